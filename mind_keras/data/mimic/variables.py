"""The 17 variables of an ICU stay, in the one order that all arrays have.

Which items of MIMIC-IV they are, in which unit, and what is plausible [1, 2]. Items
are told apart by number alone: units and labels in the tables are not reliable. At the
same second the later item of a variable wins. To add an item: put its number in the
list of its variable, and its unit, if it is another, in `SCALES`.

Not among them: glucose and pH of urine and other fluids (51478, 51491, 51094, 50831).

[1] Item map and ranges of https://github.com/YerevaNN/mimic3-benchmarks (MIT).
[2] Concepts vitalsign, gcs, height and bg of https://github.com/MIT-LCP/mimic-code
    (MIT).
"""

import math

NAMES = (
    "Capillary refill rate",
    "Diastolic blood pressure",
    "Fraction inspired oxygen",
    "Glasgow coma scale eye opening",
    "Glasgow coma scale motor response",
    "Glasgow coma scale total",
    "Glasgow coma scale verbal response",
    "Glucose",
    "Heart rate",
    "Height",
    "Mean blood pressure",
    "Oxygen saturation",
    "Respiratory rate",
    "Systolic blood pressure",
    "Temperature",
    "Weight",
    "pH",
)

CAPILLARY, FIO2 = "Capillary refill rate", "Fraction inspired oxygen"
DIASTOLIC, SYSTOLIC = "Diastolic blood pressure", "Systolic blood pressure"
EYE, MOTOR = "Glasgow coma scale eye opening", "Glasgow coma scale motor response"
TOTAL, VERBAL = "Glasgow coma scale total", "Glasgow coma scale verbal response"
SPO2, TEMPERATURE = "Oxygen saturation", "Temperature"

# Of chartevents. The total is not charted: it is derived (`gcs.py`).
ITEMS = {
    CAPILLARY: (223951, 224308),
    DIASTOLIC: (220051, 220180, 225310, 224643, 227242),
    FIO2: (223835,),
    EYE: (220739,),
    MOTOR: (223901,),
    TOTAL: (),
    VERBAL: (223900,),
    "Glucose": (220621, 225664, 226537),
    "Heart rate": (220045,),
    "Height": (226730, 226707),
    "Mean blood pressure": (220052, 220181, 225312, 224322),
    SPO2: (220277, 220227),
    "Respiratory rate": (220210, 224690, 224689, 224422),
    SYSTOLIC: (220050, 220179, 225309, 224167, 227243),
    TEMPERATURE: (223762, 223761),
    "Weight": (226512, 224639, 226531),
    "pH": (223830, 220274),
}
# Of labevents; at the same second they win over charted ones.
LAB_ITEMS = {
    FIO2: (50816,),
    "Glucose": (50931, 50809),
    SPO2: (50817,),
    "pH": (50820,),
}
# To cm and kg: height in inches, weight in pounds.
SCALES = {226707: 2.54, 226531: 0.45359237}
FAHRENHEIT = (223761,)

# Inclusive; what is outside is missing. Units: mmHg, fraction, mg/dL, per minute, cm,
# %, degrees Celsius, kg.
RANGES = {
    CAPILLARY: (0, 1),
    DIASTOLIC: (0, 375),
    FIO2: (0.21, 1),
    EYE: (1, 4),
    MOTOR: (1, 6),
    TOTAL: (3, 15),
    VERBAL: (1, 5),
    "Glucose": (33, 2000),
    "Heart rate": (0, 350),
    "Height": (120, 230),
    "Mean blood pressure": (14, 330),
    SPO2: (math.nextafter(0, 1), 100),
    "Respiratory rate": (0, 300),
    SYSTOLIC: (0, 375),
    TEMPERATURE: (26, 45),
    "Weight": (20, 250),
    "pH": (6.3, 8.4),
}

# Compared without case and surplus blanks. Intubated patients cannot answer: their
# verbal response is `INTUBATED`, which no scale has.
INTUBATED = 0
TEXTS = {
    CAPILLARY: {
        "normal <3 seconds": 0,
        "normal <3 secs": 0,
        "brisk": 0,
        "abnormal >3 seconds": 1,
        "abnormal >3 secs": 1,
        "delayed": 1,
    },
    EYE: {"none": 1, "to pain": 2, "to speech": 3, "spontaneously": 4},
    MOTOR: {
        "no response": 1,
        "abnormal extension": 2,
        "abnormal flexion": 3,
        "flex-withdraws": 4,
        "localizes pain": 5,
        "obeys commands": 6,
    },
    VERBAL: {
        "no response-ett": INTUBATED,
        "no response": 1,
        "incomprehensible sounds": 2,
        "inappropriate words": 3,
        "confused": 4,
        "oriented": 5,
    },
}
