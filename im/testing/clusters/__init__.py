"""A whole cluster of private processes: engines, workers and nodes, for trials, tests and benches."""

from im.testing.clusters.cluster import Cluster, ClusterPlan

__all__ = ["Cluster", "ClusterPlan"]
