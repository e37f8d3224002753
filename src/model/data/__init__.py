"""Data for training and measuring networks: MNIST, synthetic pictures, distortions and corruptions.

May import `preprocessing` and the modules directly under `src/model`.
"""
