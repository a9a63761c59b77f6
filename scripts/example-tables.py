#!/usr/bin/env python3
"""Makes the tables of the examples: passengers of a ship, and bicycles rented a day. Nobody was on board and
nobody rode: both are made up by the rules below and the seed. Writes Examples/tables/*.csv."""

import datetime
import math
import pathlib
import random

folder = pathlib.Path(__file__).parents[1] / "Examples" / "tables"
folder.mkdir(exist_ok=True)
random.seed(1912)

FIRST = ["Ada", "Bea", "Carl", "Dora", "Emil", "Fritz", "Greta", "Hugo", "Ida", "Jon", "Karla", "Leo"]
LAST = ["Ahlers", "Brandt", "Clausen", "Dirks", "Ehlers", "Franke", "Gerdes", "Hansen", "Iversen", "Jansen"]

with open(folder / "passengers.csv", "w") as file:
    file.write("ticket,name,class,sex,age,relatives,fare,port,survived\n")
    for number in range(1, 701):
        cabin = random.choices([1, 2, 3], [0.25, 0.2, 0.55])[0]
        sex = random.choices(["female", "male"], [0.36, 0.64])[0]
        age = max(0.5, random.gauss({1: 38, 2: 30, 3: 25}[cabin], 13))
        relatives = random.choices([0, 1, 2, 3, 5], [0.6, 0.2, 0.1, 0.06, 0.04])[0]
        fare = math.exp(random.gauss({1: 4.2, 2: 2.9, 3: 2.2}[cabin], 0.4)) * (1 + 0.5 * relatives)
        port = random.choices(["Southampton", "Cherbourg", "Queenstown"], [0.7, 0.2, 0.1])[0]
        odds = 2.6 * (sex == "female") - 1.0 * (cabin - 2) - 0.03 * (age - 28) - 0.25 * relatives - 1.1
        odds += 1.2 * (age < 12)
        survived = random.random() < 1 / (1 + math.exp(-odds))
        # Ages and ports were lost, ages of the third class more often.
        known_age = f"{age:.1f}" if random.random() > (0.3 if cabin == 3 else 0.1) else ""
        known_port = port if random.random() > 0.02 else ""
        name = f'"{random.choice(LAST)}{number % 7}, {random.choice(FIRST)} {random.choice(FIRST)[0]}. {number}"'
        file.write(f"{number},{name},{cabin},{sex},{known_age},{relatives},{fare:.2f},{known_port},"
                   f"{'yes' if survived else 'no'}\n")

with open(folder / "rentals.csv", "w") as file:
    file.write("day,weather,temperature,wind,holiday,rentals\n")
    day = datetime.date(2023, 1, 1)
    holidays = {(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)}
    while day.year < 2025:
        season = math.sin(2 * math.pi * (day.timetuple().tm_yday - 110) / 365)
        temperature = 11 + 10 * season + random.gauss(0, 3)
        weather = random.choices(["clear", "cloudy", "rain", "snow"],
                                 [0.45, 0.33, 0.2, 0.02 if temperature > 4 else 0.15])[0]
        wind = abs(random.gauss(14, 6))
        holiday = (day.month, day.day) in holidays
        rentals = 3200 + 120 * temperature - 25 * wind + 600 * (day.year - 2023)
        rentals += {"clear": 500, "cloudy": 100, "rain": -1300, "snow": -1800}[weather]
        rentals += 500 * (day.isoweekday() <= 5) - 900 * holiday + random.gauss(0, 250)
        gap = random.random()
        file.write(f"{day.strftime('%d.%m.%Y')},{weather},{'' if gap < 0.03 else f'{temperature:.1f}'},"
                   f"{'NA' if gap > 0.96 else f'{wind:.1f}'},{'yes' if holiday else 'no'},{max(rentals, 60):.0f}\n")
        day += datetime.timedelta(days=1)
