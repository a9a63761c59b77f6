#!/usr/bin/env python3
"""Makes transactions.csv: 2,500 made-up payments of 220 customers, of which about 4 % are fraud.

Fraud is likelier for large amounts, at night, far from home and on a new device, and never certain.
"""

import math
import pathlib
import random

random.seed(7)
customers = [(f"c{number:03}", random.gauss(3.4, 0.5)) for number in range(220)]
lines = ["id,customer,amount,hour,kilometres,newDevice,attempts,fraud"]
for number in range(2500):
    name, usual = random.choice(customers)
    amount = math.exp(random.gauss(usual, 0.7))
    hour = random.choice([*range(24), *range(8, 23), *range(8, 23)])
    kilometres = random.expovariate(1 / 12) if random.random() < 0.9 else random.expovariate(1 / 400)
    device = int(random.random() < 0.1)
    attempts = 1 + int(random.random() < 0.12) + int(random.random() < 0.04)
    score = (
        1.1 * (math.log(amount) - 3.4) + (1.6 if hour < 6 else 0) + 0.5 * math.log1p(kilometres / 30)
        + 1.9 * device + 0.9 * (attempts - 1) - 4.1)
    fraud = random.random() < 1 / (1 + math.exp(-1.4 * score))
    lines.append(
        f"t{number:04},{name},{amount:.2f},{hour},{kilometres:.1f},{device},{attempts},"
        + ("fraud" if fraud else "fine"))
out = pathlib.Path(__file__).with_name("transactions.csv")
out.write_text("\n".join(lines) + "\n")
print(sum(line.endswith("fraud") for line in lines[1:]), "of", len(lines) - 1, "are fraud")
