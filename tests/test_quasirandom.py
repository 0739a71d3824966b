"""Sobol' points are PyTorch's, fill every dyadic interval evenly, and can be left out, begun again and scrambled."""

import pytest

from tests.subject import torch

# What PyTorch 2.13 draws.
LAST = [
    516947968,
    330301440,
    581959680,
    131072000,
    55574528,
    974127104,
    53477376,
    1018167296,
    737148928,
    1028653056,
    720371712,
]
SCRAMBLED = [[3346603, 2867766, 12572123], [11613328, 11936904, 8217980], [14269846, 4970596, 13220121]]

Engine = torch.quasirandom.SobolEngine


def test_points_are_pytorchs():
    assert Engine(4).draw(6)[5].tolist() == [0.875, 0.875, 0.125, 0.375]
    last = Engine(161).draw(1000)[999, 150:].mul(2**30).long().tolist()
    assert last == LAST
    assert Engine(3, scramble=True, seed=7).draw(3).mul(2**24).long().tolist() == SCRAMBLED


@pytest.mark.parametrize("options", [{}, {"scramble": True, "seed": 5}])
def test_every_coordinate_takes_every_interval_once(options):
    points = Engine(161, **options).draw(256, dtype=torch.float64)
    cells = (points * 256).floor().long()
    assert (cells.sort(0).values == torch.arange(256)[:, None]).all()


def test_the_first_two_coordinates_take_every_square_once():
    points = Engine(2, scramble=True, seed=1).draw(64, dtype=torch.float64)
    squares = (points * 8).floor().long()
    assert len((squares[:, 0] * 8 + squares[:, 1]).unique()) == 64


def test_points_continue_are_left_out_and_begin_again():
    whole = Engine(5, scramble=True, seed=2).draw(20)
    engine = Engine(5, scramble=True, seed=2)
    assert torch.equal(torch.cat([engine.draw(1), engine.draw(7)]), whole[:8]) and engine.num_generated == 8
    assert torch.equal(engine.fast_forward(4).draw(3), whole[12:15])
    assert torch.equal(engine.reset().draw(2), whole[:2])
    out = torch.empty(0)
    assert engine.draw(2, out=out) is out and torch.equal(out, whole[2:4])


def test_only_powers_of_two_are_balanced():
    engine = Engine(2)
    assert engine.draw_base2(3).shape == (8, 2) and engine.draw_base2(3, dtype=torch.float64).dtype == torch.float64
    with pytest.raises(ValueError, match="The balance properties of Sobol' points require n to be a power of 2"):
        engine.draw_base2(3)
    with pytest.raises(ValueError, match="Supported range of dimensionality for SobolEngine is"):
        Engine(0)
    assert repr(Engine(3, True, seed=1)) == "SobolEngine(dimension=3, scramble=True, seed=1)"
    assert not torch.equal(Engine(3, True).draw(4), Engine(3, True).draw(4))
