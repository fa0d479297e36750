"""The cut: a student in parts, so that each encoder runs once per step.

A tensor that needs one modality and feeds an operation that needs more is a
*code*. Everything that needs the same set of modalities is one part: from the
codes it reads to the codes and heads it gives. A part runs once on all rows that
have what it needs, whatever else their patterns hold.
"""

import keras
from keras import ops

from mind_keras.fast import runner
from mind_keras.graph import graph, is_input, needs_of, topological
from mind_keras.grouping import join, split
from mind_keras.spec import pattern_modalities


class Parts:
    """A student cut into parts that each need one set of modalities.

    Calling it gives what the student would say, with each part run once however
    many patterns the batch has, so that every encoder sees all rows of its modality
    together (and BatchNorm their common statistics).

    Args:
        student: Functional, dict of modalities to dict of heads.
    """

    def __init__(self, student: keras.Model) -> None:
        self.inputs, self.outputs = graph(student)
        self.needs = needs_of(self.outputs.values(), self.inputs)
        nodes = topological(self.outputs.values())
        read = {}  # needs of the reader: the codes that it reads, without repeats
        for node in nodes:
            wants = self.needs[id(node.outputs[0])]
            for tensor in node.input_tensors:
                if self.needs[id(tensor)] != wants or is_input(tensor):
                    read.setdefault(wants, {})[id(tensor)] = tensor
        given = {id(t): t for tensors in read.values() for t in tensors.values()}
        given |= {id(t): t for t in self.outputs.values()}
        self.parts = []
        for wants in sorted(read, key=lambda wants: (len(wants), sorted(wants))):
            gives = [
                t
                for t in given.values()
                if self.needs[id(t)] == wants and not is_input(t)
            ]
            reads = list(read[wants].values())
            run = runner(reads, gives, f"part_{'_'.join(sorted(wants))}")
            self.parts.append((wants, reads, gives, run))
        # Whether it may be called outside of a Keras layer.
        self.bare = all(getattr(run, "bare", False) for *_, run in self.parts)

    def lay(self) -> None:
        """Put weights in order in memory for training, where that matters."""
        for *_, run in self.parts:
            if hasattr(run, "lay"):
                run.lay()

    def __call__(self, x, training=None) -> dict:
        """`{pattern: {modality: rows}}` to `{head: logits}`, patterns joined in order.

        A head that no pattern reaches gives logits of no rows, so that the heads of
        every batch are the same.
        """
        patterns = sorted(x)  # JAX does not keep a dict's order
        having = {p: frozenset(pattern_modalities(p)) for p in patterns}
        known = {}  # id of a tensor: {pattern: its rows}
        for name, tensor in self.inputs.items():
            able = [p for p in patterns if name in having[p]]
            known[id(tensor)] = {p: ops.convert_to_tensor(x[p][name]) for p in able}
        for wants, reads, gives, run in self.parts:
            able = [p for p in patterns if wants <= having[p]]
            if not able:
                continue
            joined = [join([known[id(t)][p] for p in able]) for t in reads]
            sizes = [ops.shape(known[id(reads[0])][p])[0] for p in able]
            said = run(joined, training=training)
            for tensor, rows in zip(gives, said, strict=True):
                known[id(tensor)] = dict(zip(able, split(rows, sizes), strict=True))
        return {
            head: join([known[id(t)][p] for p in patterns if p in known.get(id(t), ())])
            if known.get(id(t))
            else ops.zeros((0, *t.shape[1:]), t.dtype)
            for head, t in self.outputs.items()
        }
