"""Every score of a map: what to call it, its form, and one sentence on how to read it. Part of the contract."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A figure over a whole map: what to call it, its form (`count`, `share` or `figure`) and how to read it."""

    name: str
    form: str
    sentence: str


SCORES = {
    "n_units": Score("Units on the map", "count", "Families, or documents with --unit document, that have a place."),
    "n_clusters": Score("Clusters", "count", "Dense groups that were found; the number is a result, not a setting."),
    "n_noise": Score("Noise, units", "count", "Units in no dense group; none of them is forced into a cluster."),
    "noise_share": Score("Noise, share", "share", "The same as a share; between a tenth and a third is usual."),
    "n_noise_before": Score(
        "Noise before outliers were let in", "count", "Units that the method itself left out; see --max-noise."
    ),
    "stability": Score(
        "Stability",
        "figure",
        "Agreement (adjusted Rand index) between maps of other seeds: 1 is the same map each time; below 0.8, take "
        "single clusters with care. No figure where only one seed was run or no cluster was found.",
    ),
    "variance": Score("Variance kept", "share", "Share of the variance that the principal components keep."),
    "silhouette_cosine": Score(
        "Silhouette, original space",
        "figure",
        "From -1 to 1, over all clustered units, by cosine distance of the full vectors: above 0, members are nearer "
        "to their own cluster than to the next; text rarely passes 0.3.",
    ),
    "silhouette_reduced": Score(
        "Silhouette, reduced space",
        "figure",
        "The same by Euclidean distance after reduction; UMAP pulls groups apart, which flatters: compare it only "
        "between runs. Above 20,000 clustered units, the mean of an even sample.",
    ),
    "dbcv": Score(
        "DBCV",
        "figure",
        "From -1 to 1, density-based validity on one layout: above 0, clusters are denser inside than between; noise "
        "counts as 0. Compare it only between runs on the same corpus; above 3,000 clustered units, an even sample. No "
        "figure where no layout was clustered.",
    ),
    "min_cluster_size": Score(
        "Smallest cluster",
        "count",
        "The smallest group that counts: given, or chosen by --min-size auto.",
    ),
    "persistence": Score(
        "Persistence",
        "figure",
        "From 0 to 1, mean over clusters: how long they last as the density threshold rises; higher means less chance.",
    ),
    "ami": Score(
        "Adjusted mutual information",
        "figure",
        "0 is what chance would give, 1 the same grouping; a map of technologies need not repeat the classification.",
    ),
    "ari": Score("Adjusted Rand index", "figure", "The same scale over pairs of units; large groups weigh more."),
    "v_measure": Score(
        "V-measure",
        "figure",
        "From 0 to 1: clusters hold one class each, and classes lie in one cluster each; not corrected for chance.",
    ),
    "n": Score("Units compared", "count", "Units on the map that carry such a class."),
    "n_classified": Score("Classified", "count", "Units on the map that carry such a class."),
    "purity": Score(
        "Purity",
        "share",
        "Share of the clustered units that carry the commonest class of their cluster; smaller clusters raise it.",
    ),
    "inverse_purity": Score(
        "Inverse purity",
        "share",
        "Share of the units of each class that lie in the one cluster with most of them; fewer clusters raise it.",
    ),
    "n_citations": Score("Citations", "count", "Citations between two units of the map."),
    "citations_inside": Score(
        "Citations inside", "share", "Share of them that stay in one cluster; noise is outside of all."
    ),
    "citations_expected": Score(
        "Citations expected inside", "share", "What the same would be if citations ignored the clusters."
    ),
    "n_families": Score(
        "Family links", "count", "Members of a family beside its first one, where documents are units."
    ),
    "families_inside": Score("Families together", "share", "Share of them in the cluster of the first one."),
    "families_expected": Score("Families expected together", "share", "What chance would give."),
    "language_ami": Score(
        "Language",
        "figure",
        "Adjusted mutual information of cluster and language: near 0, languages mix; near 1, a cluster is a language.",
    ),
    "n_left_out": Score(
        "Left out, units",
        "count",
        "Units without text in the embedded fields, or without a vector; they have no place on the map.",
    ),
    "n_from_description": Score(
        "By description", "count", "Units without title, abstract or claims: placed by the opening of the description."
    ),
    "n_unread": Score(
        "Other languages",
        "count",
        "Units in a language that the model was not trained on: their place says little.",
    ),
    "n_truncated": Score("Truncated", "count", "Units whose text was cut at the model's window."),
    "n_windowed": Score(
        "Windowed", "count", "Units longer than the model's window; their vector is the mean over several."
    ),
    "layers": Score(
        "Coarser layers",
        "figure",
        "Clusters of clusters, the finer layer first: how many there are, how apart they lie, how far they agree with "
        "the classification.",
    ),
    "n_ids": Score("Ids given", "count", "Cluster ids given so far; one that went is not given again."),
}
