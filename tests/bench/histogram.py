"""Quantiles of a histogram in a scraped page, as Prometheus reckons them."""

import math
import re


def buckets(page, name):
    """Upper bound → observations up to it, of a histogram without labels of its own."""
    pattern = re.compile(rf'^{name}_bucket{{le="([^"]+)"}} (\S+)$', re.MULTILINE)
    return {float(bound): float(count) for bound, count in pattern.findall(page)}


def quantile(q, before, after):
    """Of what was observed between two pages' `buckets`, even within a bucket; NaN of nothing."""
    bounds = sorted(after)
    counts = [after[bound] - before[bound] for bound in bounds]
    if not counts or counts[-1] <= 0:
        return math.nan
    wanted, low, below = q * counts[-1], 0.0, 0.0
    for bound, count in zip(bounds, counts):
        if count >= wanted:
            if math.isinf(bound):
                return low
            return low + (bound - low) * (wanted - below) / (count - below)
        low, below = bound, count
    return low
