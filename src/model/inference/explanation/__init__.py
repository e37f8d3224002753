"""Why a network answers as it does: what matters to it, what would change its mind, and what each layer computes."""
