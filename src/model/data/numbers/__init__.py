"""Pictures of numbers composed from single digits, and the candidates on them that the verifier learns from."""
