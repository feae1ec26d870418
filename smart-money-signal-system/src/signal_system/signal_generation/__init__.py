"""From exposures to opinions: pooled, gated, explained, chained."""
