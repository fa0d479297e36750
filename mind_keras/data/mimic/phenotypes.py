"""The 25 phenotypes of the benchmark: groups of diagnoses, told at discharge.

A phenotype is a group of the Clinical Classifications Software (CCS); which diagnosis
codes belong to it: `codes`. The order is that of the benchmark's files and of all
arrays. To predict other groups: another task, with a table like this one.

Harutyunyan et al. (2019), Multitask learning and benchmarking with clinical time series
data. https://doi.org/10.1038/s41597-019-0103-9
"""

from dataclasses import dataclass

ACUTE, CHRONIC = "acute", "chronic"


@dataclass(frozen=True)
class Phenotype:
    """A group of diagnoses.

    Args:
        name: As in the benchmark.
        ccs: Number of the group in the single-level CCS.
        family: `"acute"` or `"chronic"`, as tagged in the benchmark.
    """

    name: str
    ccs: int
    family: str


PHENOTYPES = (
    Phenotype("Acute and unspecified renal failure", 157, ACUTE),
    Phenotype("Acute cerebrovascular disease", 109, ACUTE),
    Phenotype("Acute myocardial infarction", 100, ACUTE),
    Phenotype("Cardiac dysrhythmias", 106, CHRONIC),
    Phenotype("Chronic kidney disease", 158, CHRONIC),
    Phenotype("Chronic obstructive pulmonary disease and bronchiectasis", 127, CHRONIC),
    Phenotype("Complications of surgical procedures or medical care", 238, ACUTE),
    Phenotype("Conduction disorders", 105, CHRONIC),
    Phenotype("Congestive heart failure; nonhypertensive", 108, ACUTE),
    Phenotype("Coronary atherosclerosis and other heart disease", 101, CHRONIC),
    Phenotype("Diabetes mellitus with complications", 50, CHRONIC),
    Phenotype("Diabetes mellitus without complication", 49, CHRONIC),
    Phenotype("Disorders of lipid metabolism", 53, CHRONIC),
    Phenotype("Essential hypertension", 98, CHRONIC),
    Phenotype("Fluid and electrolyte disorders", 55, ACUTE),
    Phenotype("Gastrointestinal hemorrhage", 153, ACUTE),
    Phenotype(
        "Hypertension with complications and secondary hypertension", 99, CHRONIC
    ),
    Phenotype("Other liver diseases", 151, ACUTE),
    Phenotype("Other lower respiratory disease", 133, ACUTE),
    Phenotype("Other upper respiratory disease", 134, ACUTE),
    Phenotype("Pleurisy; pneumothorax; pulmonary collapse", 130, ACUTE),
    Phenotype(
        "Pneumonia (except that caused by tuberculosis or sexually transmitted "
        "disease)",
        122,
        ACUTE,
    ),
    Phenotype("Respiratory failure; insufficiency; arrest (adult)", 131, ACUTE),
    Phenotype("Septicemia (except in labor)", 2, ACUTE),
    Phenotype("Shock", 249, ACUTE),
)
NAMES = tuple(phenotype.name for phenotype in PHENOTYPES)
GROUPS = tuple(phenotype.ccs for phenotype in PHENOTYPES)
