"""Fits the calibrated confidence on the labelled pairs and compares it with the simple score.

python -m rl_assets_tests.benchmarks.fit_confidence <folder with docs-*/tree>

Prints the model's text for rl_assets/documentation/confidence.py. Metrics are out of fold: 5 folds, whole pages each.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from rl_assets.documentation.confidence import features
from rl_assets_tests.support.labelled_images import labelled_pairs

BINS = 5


def model() -> LogisticRegression:
    # Weak ridge: nearly separable features would get weights without bound.
    return LogisticRegression(C=3.0, max_iter=1000)


def expected_calibration_error(labels: np.ndarray, scores: np.ndarray) -> float:
    """Mean distance of score and share of positives over equal-count bins, weighted by their size."""
    order = np.argsort(scores, kind="stable")
    bins = np.array_split(order, BINS)
    return float(sum(len(b) * abs(labels[b].mean() - scores[b].mean()) for b in bins) / len(labels))


def report(name: str, labels: np.ndarray, scores: np.ndarray) -> str:
    kept = scores >= (0.4 if name == "v1" else 0.5)
    return (
        f"{name}: AUC {roc_auc_score(labels, scores):.3f}  Brier {brier_score_loss(labels, scores):.3f}  "
        f"ECE {expected_calibration_error(labels, scores):.3f}  kept {kept.mean():.2f}  "
        f"precision {labels[kept].mean():.3f}  recall {kept[labels == 1].mean():.3f}  "
        f"mean of kept {scores[kept].mean():.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the calibrated confidence.")
    parser.add_argument("published", type=Path)
    pairs = labelled_pairs(parser.parse_args().published)
    seen = [features(pair) for pair, _ in pairs]
    names, labels = list(seen[0]), np.array([label for _, label in pairs])
    inputs = np.array([[row[name] for name in names] for row in seen])
    pages = [f"{pair['page']}" for pair, _ in pairs]
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    out_of_fold = cross_val_predict(model(), inputs, labels, groups=pages, cv=folds, method="predict_proba")[:, 1]
    fitted = model().fit(inputs, labels)
    print(f"{len(labels)} labels, {int(labels.sum())} positive, {len(set(pages))} pages")
    print(report("v1", labels, np.array([pair["confidence_v1"] for pair, _ in pairs])))
    print(report("v2", labels, out_of_fold))
    print(f"CONFIDENCE_MODEL = LogisticModel(\n    intercept={fitted.intercept_[0]:.4f},\n    weights={{")
    for name, weight in zip(names, fitted.coef_[0], strict=True):
        print(f'        "{name}": {weight:.4f},')
    print("    },\n)")


if __name__ == "__main__":
    main()
