"""Writes the arrays of this folder; see README.md."""

import json

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

CLASSES, WIDTH = 3, 6
rng = np.random.default_rng(20130804)
means = rng.normal(size=(CLASSES, WIDTH))
shapes = rng.normal(size=(CLASSES, WIDTH, WIDTH)) * np.array([1.5, 1.0, 0.6, 0.4, 0.2, 0.1])


def draw(count):
    labels = rng.integers(CLASSES, size=count)
    noise = rng.normal(size=(count, WIDTH))
    features = means[labels] + np.einsum("nik,nk->ni", shapes[labels], noise) + 3.0
    return features.astype(np.float32), labels


train, train_labels = draw(150)
test, test_labels = draw(80)
expected = {"train_labels": train_labels.tolist(), "test_labels": test_labels.tolist()}

# Nearest affine subspace: what each class leaves of a sample, for every dimension.
residuals = []
for label in range(CLASSES):
    pca = PCA().fit(train[train_labels == label].astype(np.float64))
    squares = pca.transform(test.astype(np.float64)) ** 2
    residuals.append(squares.sum(1, keepdims=True) - np.concatenate([np.zeros((80, 1)), squares.cumsum(1)], 1))
expected["affine_residuals"] = np.transpose(residuals, (1, 0, 2))[:, :, :WIDTH].tolist()
expected["affine_classes"] = np.argmin(residuals, 0)[:, :WIDTH].T.tolist()

scaler = StandardScaler().fit(train.astype(np.float64))
logistic = LogisticRegression(C=0.3, tol=1e-10, max_iter=10_000).fit(scaler.transform(train), train_labels)
expected["logistic_weights"] = (logistic.coef_ / scaler.scale_).tolist()
expected["logistic_classes"] = logistic.predict(scaler.transform(test)).tolist()

svm = SVC(C=10.0, gamma=1.0 / train.astype(np.float64).var(0).sum(), tol=1e-6, decision_function_shape="ovo")
svm.fit(train.astype(np.float64), train_labels)
expected["svm_decisions"] = svm.decision_function(test.astype(np.float64)).tolist()
expected["svm_classes"] = svm.predict(test.astype(np.float64)).tolist()

neighbours = KNeighborsClassifier(3, algorithm="brute").fit(train, train_labels)
votes = neighbours.predict_proba(test)
clear = votes.max(1) > 0.5  # three neighbours of three classes are a tie, which is broken by other rules there
expected["neighbours_classes"] = [int(c) if ok else None for c, ok in zip(votes.argmax(1), clear)]

np.save("train.npy", train)
np.save("test.npy", test)
with open("expected.json", "w") as file:
    json.dump(expected, file)
