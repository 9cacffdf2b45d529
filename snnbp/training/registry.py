"""The registered data sets in idx files. To add one, add an entry to `SOURCES`."""

from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase, digits

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

SHAPE = (28, 28)
"""Rows and columns of the images in all of these files."""


@dataclass(frozen=True)
class Source:
    """A data set published as idx files: training images and labels, then test images and labels.

    `digests` are SHA-256 of the decompressed contents, each of at most `max_bytes`, or, with `of_archives`,
    of the .gz files. Mirrors have the files under the names `files`, with the suffix .gz. Where no digest of
    a content is known, files are also recognized by these names, and are unverified. `crop` pixels are cut
    off on each side of an image. The files may have rows and columns exchanged, and labels that begin at
    `first_label`.
    """

    classes: tuple[str, ...]
    digests: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
    crop: int = 0
    max_bytes: int = 16 + 60_000 * 28 * 28
    of_archives: bool = False
    files: tuple[str, ...] = FILES
    exchanged: bool = False
    first_label: int = 0


def _emnist(part: str, n_train: int, classes: tuple[str, ...], first_label: int) -> Source:
    """A part of EMNIST, which is published as one archive of all parts, to be unpacked by hand."""
    return Source(
        classes,
        max_bytes=16 + n_train * 28 * 28,
        files=tuple(f"emnist-{part}-{name.replace('t10k', 'test')}" for name in FILES),
        exchanged=True,
        first_label=first_label,
    )


SOURCES = {
    "mnist": Source(
        digests=(
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://raw.githubusercontent.com/fgnt/mnist/master/",
        ),
        classes=tuple("0123456789"),
        crop=4,
    ),
    "fashion-mnist": Source(
        digests=(
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
        mirrors=(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        ),
        classes=(
            *("T-shirt", "trouser", "pullover", "dress", "coat"),
            *("sandal", "shirt", "sneaker", "bag", "boot"),
        ),
    ),
    "kmnist": Source(
        digests=(  # quoted from torchvision's port to Ruby
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ),
        of_archives=True,
        mirrors=("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    ),
    "emnist-letters": _emnist("letters", 124_800, tuple(ascii_lowercase), 1),
    "emnist-balanced": _emnist("balanced", 112_800, tuple(digits + ascii_uppercase + "abdefghnqrt"), 0),
}
