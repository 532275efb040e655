"""Words that depend on the trust: each `describe_` function returns plain sentences, tested."""
