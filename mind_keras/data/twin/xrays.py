"""Drawn studies as files and tables of MIMIC-CXR-JPG.

`xray_tables` gives the columns, `write_images` the JPEGs; both of some rows of
`studies.draw_studies`, whose index counts the images of a block.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.twin.draws import stream
from mind_keras.data.twin.films import ASPECT, Signs, expose, write_jpeg
from mind_keras.data.twin.studies import FAR
from mind_keras.data.twin.tables import FINDINGS

ORIENTATIONS = {"AP": "antero-posterior", "PA": "postero-anterior"}
ORIENTATIONS |= {"LATERAL": "lateral", "LL": "left lateral"}


def wanted(images: pd.DataFrame, block: pd.DataFrame, kept: np.ndarray) -> np.ndarray:
    """Which images go with the stays that are kept, `(images,)` of bool.

    Args:
        images: Of `studies.draw_studies`.
        block: All stays of the block.
        kept: Which of them are kept, `(stays,)`.

    Example:
        >>> from mind_keras.data.twin.people import draw_block
        >>> from mind_keras.data.twin.studies import draw_studies
        >>> block = draw_block(0, 0)
        >>> bool(wanted(draw_studies(0, 0, block), block, block["stay_id"] > 0).all())
        True
    """
    # A subject without a stay comes with the subject of the same number.
    others = images["subject"].where(images["stay_id"] >= 0, images["subject"] - FAR)
    of_stay = images["stay_id"].isin(block.loc[kept, "stay_id"])
    of_other = others.isin(block.loc[kept, "subject"]) & (images["stay_id"] < 0)
    return (of_stay | of_other).to_numpy()


def xray_tables(images: pd.DataFrame, height: int) -> dict[str, pd.DataFrame]:
    """The metadata, the official split and the CheXpert labels.

    Args:
        images: Rows of `studies.draw_studies`.
        height: Pixels of a film of usual size.

    Example:
        >>> from mind_keras.data.twin.people import draw_block
        >>> from mind_keras.data.twin.studies import draw_studies
        >>> [*xray_tables(draw_studies(0, 0, draw_block(0, 0)), 64)][1]
        'mimic-cxr-2.0.0-split'
    """
    studies = images[images["reported"]].drop_duplicates("study_id")
    # As floats, in text: 1.0, not 1.
    findings = studies[[*FINDINGS]].astype(object).map(repr).replace("nan", "")
    return {
        "mimic-cxr-2.0.0-metadata": _metadata(images, height),
        "mimic-cxr-2.0.0-split": images,
        "mimic-cxr-2.0.0-chexpert": studies.assign(**findings),
    }


def _metadata(images: pd.DataFrame, height: int) -> pd.DataFrame:
    rows, columns = _shapes(images, height)
    time = images["time"].to_numpy().astype("datetime64[ms]")
    texts = np.datetime_as_string(time, "ms").tolist()
    day, clock = ([text.split("T")[k] for text in texts] for k in (0, 1))
    # As numbers they lose zeros in front: 5 minutes past midnight is 500.0.
    day = [text.replace("-", "") for text in day]
    clock = [repr(float(text.replace(":", ""))) for text in clock]
    view = images["ViewPosition"]
    standing = view.isin(["LATERAL", "PA", "LL"])
    procedure = np.where(standing, "CHEST (PA AND LAT)", "CHEST (PORTABLE AP)")
    return images.assign(
        PerformedProcedureStepDescription=procedure,
        Rows=rows,
        Columns=columns,
        StudyDate=day,
        StudyTime=clock,
        ProcedureCodeSequence_CodeMeaning=procedure,
        ViewCodeSequence_CodeMeaning=view.map(ORIENTATIONS).fillna(""),
        PatientOrientationCodeSequence_CodeMeaning=np.where(standing, "Erect", ""),
    )


def write_images(
    root: Path, images: pd.DataFrame, height: int, seed: int, number: int
) -> int:
    """Draw and store the films; returns how many files there are.

    Args:
        root: The folder of the twin.
        images: Rows of `studies.draw_studies`.
        height: Pixels of a film of usual size.
        seed: Of the twin.
        number: Of the block.

    Example:
        >>> import tempfile
        >>> from mind_keras.data.twin.people import draw_block
        >>> from mind_keras.data.twin.studies import draw_studies
        >>> images = draw_studies(0, 1, draw_block(0, 1)).head(2)
        >>> write_images(Path(tempfile.mkdtemp()), images, 32, 0, 1)
        2
    """
    shapes = np.stack(_shapes(images, height), axis=1).tolist()
    folder, files = root / "mimic-cxr-jpg" / "files", 0
    for image, shape in zip(images.itertuples(), shapes, strict=True):
        if image.state == "missing":
            continue
        rng = stream(seed, "films", number, image.Index)
        signs = Signs(*(getattr(image, name) for name in Signs._fields))
        subject = f"p{image.subject_id}"
        path = folder / subject[:3] / subject / f"s{image.study_id}"
        path /= f"{image.dicom_id}.jpg"
        write_jpeg(expose(signs, tuple(shape), rng), path)
        if image.state != "whole":
            _damage(path, image.state)
        files += 1
    return files


def _damage(path: Path, state: str) -> None:
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "broken": b"\0" * 64}[state])


def _shapes(images: pd.DataFrame, height: int) -> tuple[np.ndarray, np.ndarray]:
    rows = np.round(height * images["tall"].to_numpy()).astype(int)
    columns = np.round(rows * ASPECT * images["wide"].to_numpy()).astype(int)
    return rows, columns
