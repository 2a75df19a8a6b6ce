"""Data sets: what light carries into the first mesh, and the class each sample belongs to."""

from retrolux.data.catalogue import NAMES, DatasetName, load
from retrolux.data.cifar import cifar10
from retrolux.data.dataset import Dataset
from retrolux.data.digit_images import digits
from retrolux.data.idx import read_idx, write_idx
from retrolux.data.mnist_images import mnist
from retrolux.data.planar_points import KINDS, PlanarKind, embed, planar

__all__ = [
    "KINDS",
    "NAMES",
    "Dataset",
    "DatasetName",
    "PlanarKind",
    "cifar10",
    "digits",
    "embed",
    "load",
    "mnist",
    "planar",
    "read_idx",
    "write_idx",
]
