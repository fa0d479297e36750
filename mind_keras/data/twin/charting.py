"""What nurses write down: items, units and texts, before anything goes wrong.

To add an item: its share in `ITEMS`, its unit in `UNITS`.
"""

import numpy as np
from scipy.special import expit

from mind_keras.data.twin.rows import Rows, join, rows_of
from mind_keras.data.twin.signals import SIGNALS, Course

ITEMS = {
    "Heart rate": {220045: 1.0},
    "Systolic blood pressure": {220179: 0.96, 225309: 0.02, 224167: 0.01, 227243: 0.01},
    "Diastolic blood pressure": {
        **{220180: 0.96, 225310: 0.02, 224643: 0.01, 227242: 0.01}
    },
    "Mean blood pressure": {220181: 0.97, 225312: 0.02, 224322: 0.01},
    "Respiratory rate": {220210: 0.85, 224690: 0.06, 224689: 0.05, 224422: 0.04},
    "Oxygen saturation": {220277: 0.97, 220227: 0.03},
    "Temperature": {223761: 0.88, 223762: 0.12},
    "Fraction inspired oxygen": {223835: 1.0},
    "Glucose": {220621: 0.4, 225664: 0.5, 226537: 0.1},
    "pH": {223830: 0.8, 220274: 0.2},
    "Weight": {226512: 0.2, 226531: 0.5, 224639: 0.3},
    "Height": {226730: 1.0},
}
# With an arterial line the cuff is not used.
ARTERIAL = {220179: 220050, 220180: 220051, 220181: 220052}
POUND_KG, INCH_CM = 0.45359237, 2.54
EYE = ("None", "To Pain", "To Speech", "Spontaneously")
MOTOR = (
    *("No response", "Abnormal extension", "Abnormal Flexion"),
    *("Flex-withdraws", "Localizes Pain", "Obeys Commands"),
)
VERBAL = (
    *("No Response", "Incomprehensible sounds", "Inappropriate Words"),
    *("Confused", "Oriented"),
)
COMA = {
    220739: (EYE, (-2.2, -1.5, -0.6)),
    223901: (MOTOR, (-2.6, -2.3, -2.0, -1.6, -0.9)),
    223900: (VERBAL, (-2.0, -1.5, -1.1, -0.1)),
}
INTUBATED = "No Response-ETT"
REFILL = ("Normal <3 Seconds", "Abnormal >3 Seconds", "Other/Remarks")
# Items that are none of the 17 variables; commas and quotes on purpose.
OTHERS = (
    (220048, "SR (Sinus Rhythm)", np.nan),
    (220048, "AF (Atrial Fibrillation)", np.nan),
    (220046, "", 120.0),
    (220047, "", 50.0),
    (223986, "Clear, bilateral", np.nan),
    (223986, 'Rhonchi, "coarse"', np.nan),
    (228096, " 0  Alert and calm", 0.0),
    (228096, "-1 Awakens to voice (eye opening/contact) > 10 sec", -1.0),
    (224641, "", 1.0),
    (224080, "", 1.0),
    (223791, "3-Mild to Mod", 3.0),
    (227969, "1", np.nan),
)
OTHERS_SHARE = 0.5
UNITS = {
    **dict.fromkeys((220045, 220046, 220047), "bpm"),
    **dict.fromkeys((220179, 225309, 224167, 227243, 220050), "mmHg"),
    **dict.fromkeys((220180, 225310, 224643, 227242, 220051), "mmHg"),
    **dict.fromkeys((220181, 225312, 224322, 220052), "mmHg"),
    **dict.fromkeys((220210, 224690, 224689, 224422), "insp/min"),
    **{220277: "%", 220227: "%", 223761: "°F", 223762: "°C"},
    **{220621: "mg/dL", 226537: "mg/dL", 223830: "units", 220274: "units"},
    **{226512: "kg", 224639: "kg", 226707: "Inch", 226730: "cm"},
}


def chart(course: Course, rng: np.random.Generator) -> Rows:
    """Everything charted about a block of stays, in no order.

    Args:
        course: Of the block.
        rng: For times, items and noise.

    Example:
        >>> from mind_keras.data.twin.people import draw_block
        >>> from mind_keras.data.twin.signals import draw_course
        >>> course = draw_course(0, 0, draw_block(0, 0))
        >>> rows = chart(course, np.random.default_rng(0))
        >>> sorted(rows)
        ['itemid', 'minutes', 'number', 'stay', 'text']
    """
    severity = course.latents[:, 0]
    arterial = rng.random(len(severity)) < expit(-1.2 + 0.8 * severity)
    parts = [_measure(name, course, arterial, rng) for name in SIGNALS]
    parts += [_coma(course, rng), _refill(course, rng)]
    parts.append(_others(course, np.concatenate([p["stay"] for p in parts]), rng))
    return join(parts)


def _measure(
    name: str, course: Course, arterial: np.ndarray, rng: np.random.Generator
) -> Rows:
    signal, items = SIGNALS[name], ITEMS[name]
    if signal.gap is None:
        has = rng.random(len(arterial)) < signal.ever
        stay = np.flatnonzero(has & (course.hours > 0))
        minutes = np.floor(rng.random(len(stay)) * course.hours[stay] * 60)
    else:
        stay, minutes = course.times(signal.gap, rng, signal.ever)
    number = course.values(name, stay, minutes, rng)
    itemid = rng.choice([*items], len(stay), p=[*items.values()])
    for cuff, line in ARTERIAL.items():
        itemid[(itemid == cuff) & arterial[stay]] = line
    number = np.where(itemid == 223761, np.round(number * 9 / 5 + 32, 1), number)
    number = np.where(itemid == 226531, np.round(number / POUND_KG, 1), number)
    rows = rows_of(stay, minutes, itemid, number)
    return _in_inches_too(rows) if name == "Height" else rows


def _in_inches_too(rows: Rows) -> Rows:
    """Heights are charted as a pair, of which the cm are computed from the inches."""
    inches = np.round(rows["number"] / INCH_CM)
    cm = rows | {"number": np.round(inches * INCH_CM)}
    return join([cm, rows_of(rows["stay"], rows["minutes"], 226707, inches)])


def _coma(course: Course, rng: np.random.Generator) -> Rows:
    stay, minutes = course.times(4, rng)
    shared, ehr = course.latents[stay, 0], course.latents[stay, 1]
    awake = -1.1 * ehr - 0.4 * shared + rng.normal(0, 0.6, len(stay))
    parts = []
    for item, (texts, cuts) in COMA.items():
        level = np.digitize(awake + rng.normal(0, 0.3, len(stay)), cuts)
        text = np.array(texts, object)[level]
        silent = (item == 223900) & (level == 0) & (rng.random(len(stay)) < 0.6)
        text[silent] = INTUBATED
        parts.append(rows_of(stay, minutes, item, level + 1.0, text))
    return join(parts)


def _refill(course: Course, rng: np.random.Generator) -> Rows:
    stay, minutes = course.times(5, rng, 0.8)
    slow = rng.random(len(stay)) < expit(-2.2 + 0.9 * course.latents[stay, 1])
    kind = np.where(rng.random(len(stay)) < 0.01, 2, slow.astype(int))
    itemid = rng.choice([223951, 224308], len(stay), p=[0.6, 0.4])
    text = np.array(REFILL, object)[kind]
    return rows_of(stay, minutes, itemid, np.nan, text)


def _others(course: Course, charted: np.ndarray, rng: np.random.Generator) -> Rows:
    events = np.bincount(charted, minlength=len(course.hours))
    stay = np.repeat(np.arange(len(events)), rng.poisson(OTHERS_SHARE * events))
    minutes = np.floor(rng.random(len(stay)) * course.hours[stay] * 60)
    kind = rng.integers(0, len(OTHERS), len(stay))
    itemid, text, number = zip(*OTHERS, strict=True)
    text = np.array(text, object)[kind]
    return rows_of(stay, minutes, np.array(itemid)[kind], np.array(number)[kind], text)
