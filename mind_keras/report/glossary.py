"""What the models of a run are, in words, for readers who have not seen the config.

A name is that of a control, and of what it is of, as `unimodal:ehr`. A name that is
not here says nothing. To add one: a line in `MODELS`.
"""

MODELS = {
    "student": "small model of several heads, taught by the teachers",
    "no_kd": "the same student, without teachers",
    "single_head": "student with the fusion head alone, without teachers",
    "unimodal": "student of one modality, without teachers",
    "late_fusion": "mean of the unimodal students' answers",
    "teachers": "all teachers together",
    "teacher": "one of the teachers",
    "single_teacher": "student taught by the best teacher of each head",
    "same_size_teacher": "student taught by teachers as small as itself",
    "umt": "fusion student taught the codes of unimodal models (UMT)",
    "g2d": "fusion student taught codes and answers of unimodal models (G2D)",
    "medfuse": "encoders trained alone, then fused by an LSTM (MedFuse)",
    "zero_fill": "fusion student; what is missing is filled with 0",
    "mean_fill": "fusion student; what is missing is filled with the mean",
    "modality_dropout": "fusion student, trained on randomly dropped modalities",
    "adaptive": "student whose teachers' weights follow the balance",
    "ogm_ge": "gradients of the leading modality slowed down (OGM-GE)",
    "g_blend": "heads weighted as they generalise (Gradient Blending)",
    "miles": "learning rates that follow the balance (MILES)",
}


def meaning(model: str) -> str:
    """What a model is; nothing where its name is unknown.

    Example:
        >>> meaning("teacher:ehr:0"), meaning("mine")
        ('one of the teachers', '')
    """
    return MODELS.get(model.split(":")[0], "")
