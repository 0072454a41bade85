"""How likely a count is where something else is usual. Pure sums, nothing about posts."""

import math


def tail(number: int, mean: float, spread: float) -> float:
    """Return how likely `number` or more are, where `mean` is usual: a Poisson count whose rate itself varies.

    `spread` is the variance of the rate, as a share of its square (a negative binomial's 1/r).
    """
    if number <= mean:
        return 1.0
    shape = 1 / spread
    odds = mean / (shape + mean)
    chance = math.exp(shape * math.log(shape / (shape + mean)))
    below = 0.0
    for count in range(number):
        below += chance
        chance *= odds * (shape + count) / (count + 1)
    # Once the sum of what lies below has eaten all digits, the first term beyond says it better.
    return max(1.0 - below, chance)


def share_tail(number: int, of: int, share: float, spread: float) -> float:
    """Return how likely `number` or more of `of` are, where `share` is usual and itself varies: a beta-binomial.

    `spread` is the variance of the share, as a share of its square.
    """
    if number <= of * share:
        return 1.0
    both = (1 - share) / (share * spread) - 1
    with_it, without = share * both, (1 - share) * both
    chance = math.exp(
        _log_choose(of, number) + _log_beta(number + with_it, of - number + without) - _log_beta(with_it, without)
    )
    total = 0.0
    for count in range(number, of + 1):
        total += chance
        if count < of:
            chance *= (of - count) / (count + 1) * (count + with_it) / (of - count - 1 + without)
    return min(1.0, total)


def _log_choose(of: int, number: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(number + 1) - math.lgamma(of - number + 1)


def _log_beta(one: float, other: float) -> float:
    return math.lgamma(one) + math.lgamma(other) - math.lgamma(one + other)
