"""The lab on digits: the run is the zoo's, looking moves nothing, and classes are counted late."""

# pyright: reportAttributeAccessIssue=false

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from gan_teach import EMA, data, zoo
from gan_teach.games.base import flatten
from gan_teach.lab import Session, Twin, diagnose
from gan_teach.lab.frame import CALM, GREYS
from gan_teach.lab.networks import DECAY, PICTURES, READABLE, SIDE, _read
from gan_teach.lab.picture import png
from gan_teach.lab.slow_motion import slow_motion
from gan_teach.models import convnets
from test_lab_recording import numbers, unroll

NARROW = "digits,width=4"


@pytest.mark.slow
def test_the_other_worlds_do_not_wait_for_what_digits_need():
    code = "import sys, gan_teach.lab.session; sys.exit('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def everything(session):
    """All that decides the future and the picture of a run."""
    game, optims = session.game, session.state.optims
    parts = (game.generator, game.discriminator, game.average.module)
    moments = [one for player in (optims.g, optims.d) for one in (*player.mean, *player.square)]
    tensors = [*(t for part in parts for t in part.state_dict().values()), *moments]
    return [tensor.numpy() for tensor in tensors]


def same(one, other):
    np.testing.assert_equal(everything(one), everything(other))
    np.testing.assert_equal(one.frame, other.frame)


@pytest.mark.parametrize("preset", ["digits", "digits-dragan"])
def test_a_session_is_the_run_of_the_chapters(preset):
    """Chapter 15's DCGAN; for DRAGAN without batch norm in D and with the penalty."""
    session = Session(preset, seed=3)
    session.go(6)
    dragan = {"networks": "dcgan(norm=False)", "penalties": ("dragan(weight=1.0)",)}
    setup = zoo.image_gan(
        "mnist-dcgan", features=16, latent=8, batch_size=32, lr=1e-3, seed=3,
        **(dragan if preset == "digits-dragan" else {}),
    )  # fmt: skip
    game = setup.game(data.small_mnist())
    average = EMA(game.generator, decay=DECAY)
    for state in setup.train(game, steps=6):
        if state.step:
            average()
    assert torch.equal(flatten(session.game), flatten(game))
    own, expected = session.game.average.module.state_dict(), average.module.state_dict()
    assert all(torch.equal(own[name], expected[name]) for name in expected)


@pytest.mark.slow
def test_a_run_is_repeated_rewound_and_branched_to_the_last_bit():
    straight, wandering = Session(NARROW), Session(NARROW)
    for session in (straight, wandering):
        session.go(13)
        session.set(lr=2e-3, d_steps=2)
        session.go(16)
    for step in (29, 14, 3, 0, 13, 21):
        wandering.rewind(step)
    wandering.go(8)
    branch = straight.branch()
    branch.rewind(17)
    branch.go(12)
    for other in (wandering, branch, Session(straight.replay)):
        same(straight, other)


def test_looking_at_a_run_moves_nothing():
    watched, alone = Session(NARROW), Session(NARROW)
    for _ in range(3):
        watched.tick(4)
        watched.picture(hidden=())
        png(watched.frame)
        slow_motion(watched)
        diagnose(watched)
        _ = watched.history
        alone.go(4)
        np.testing.assert_equal(everything(watched), everything(alone))


def test_the_frames_and_their_lines_say_what_d_answers_in_training():
    session = Session(NARROW)
    layers = session.tick(5).layers
    game = session.game
    with torch.no_grad():
        shown = game.average.module(session._world._latents)
        answers = torch.sigmoid(game.discriminator.train()(shown))[:, 0].numpy()
    np.testing.assert_allclose(layers["says"].values[::-1].ravel(), answers, rtol=1e-5)
    lines = layers["bars"].xy.reshape(PICTURES, 3, 2)
    cell = layers["sheet"].values.shape[0] / SIDE
    np.testing.assert_allclose((lines[:, 1] - lines[:, 0])[:, 0] * cell / 28, answers, rtol=1e-5)
    sheet = layers["sheet"].values[::-1]
    own = (shown[SIDE, 0].numpy() + 1) / 2  # the first one of the second row
    there = sheet[int(cell) :][:, : int(cell)][3:31, 3:31]
    np.testing.assert_allclose(there, own, atol=1 / 255)
    assert np.isnan(sheet[int(cell), : int(cell)]).all()


def test_classes_are_counted_only_where_digits_can_be_read():
    digits = data.small_mnist()[::78].floats()
    share, classes = _read(digits[:PICTURES])
    assert share > 0.7
    assert classes == 1.0
    rng = torch.Generator().manual_seed(0)
    for white in (0.05, 0.1, 0.25):
        salt = torch.where(torch.rand(500, 1, 28, 28, generator=rng) < white, 1.0, -1.0)
        share, classes = _read(salt)
        assert share < 0.08
        assert np.isnan(classes)


def test_nothing_is_counted_before_the_first_round_and_little_is_read_soon_after():
    session = Session(NARROW)
    assert session.frame.narration.endswith("not readable yet.")
    assert np.isnan(session.history["readable"]).all()
    told = session.tick(1).narration
    assert "of 64 pictures can be read (of as many real digits about 57): not readable yet." in told
    assert np.isnan(session.history["covered"]).all()


@pytest.mark.slow
def test_the_doctor_says_what_is_sure():
    session = Session(NARROW)
    assert diagnose(session).name == "too early"
    session.go(50)
    said = diagnose(session)
    assert said.name == "no verdict"
    assert not said.remedy
    assert [item.what for item in said.evidence] == [READABLE]
    session.set(d_steps=0)
    assert diagnose(session).remedy == {"d_steps": 1}
    session.set(d_steps=1, optimizer="sgd", lr=100.0)
    session.go(20)
    said = diagnose(session)
    assert (said.name, said.remedy, said.step) == ("divergence", {"lr": 10.0}, 50)
    assert "diverged" in session.frame.narration
    assert Session(session.replay).frame.narration == session.frame.narration


def test_twins_part_and_are_drawn_without_a_canvas():
    session = Session("digits-dragan,width=4")
    session.go(3)
    twin = Twin(session, penalty="none")
    frames = twin.tick(4)
    assert twin.parted is not None
    for frame in frames:
        pixels = np.asarray(Image.open(io.BytesIO(png(frame))).convert("L"))
        left, top = 60, 40  # of the sheet, roughly
        assert pixels[top : top + 480, left : left + 480].std() > 30


def test_norm_is_a_knob_of_images_alone():
    norms = torch.nn.BatchNorm2d
    with_norm, without = Session("digits", width=4), Session("digits", width=4, norm="none")
    for session, many in ((with_norm, True), (without, False)):
        d = session.game.discriminator
        assert isinstance(d, convnets.DCGANDiscriminator)
        assert any(isinstance(part, norms) for part in d) is many
    with pytest.raises(ValueError, match="norm has no meaning for 'five-gaussians'"):
        Session("five-gaussians", norm="none")
    assert len(Session("digits", width=4, data="fifty-digits").game.data) == 50


def test_a_recording_keeps_sixteen_greys():
    session = Session(NARROW)
    session.go(12)
    head, reel = unroll(session.to_html(6))
    seen = set()
    for told, arrays in zip(head["frames"], reel, strict=True):
        (entry,) = (layer for layer in told["layers"] if layer["name"] == "sheet")
        sheet, own = numbers(entry["values"], arrays), session.rewind(told["step"]).layers["sheet"]
        np.testing.assert_array_equal(np.isnan(sheet), np.isnan(own.values))
        assert np.nanmax(np.abs(sheet - own.values)) < CALM / GREYS
        seen |= {*np.round(GREYS * sheet[~np.isnan(sheet)], 6)}
    assert len(seen) <= GREYS + 1
    assert all(grey == round(grey) for grey in seen)


@pytest.mark.slow
def test_three_hundred_frames_of_digits_stay_small():
    session = Session("digits")
    session.go(300)
    text = session.to_html()
    assert len(unroll(text)[0]["frames"]) == 301
    assert len(text.encode()) < 1_200_000
