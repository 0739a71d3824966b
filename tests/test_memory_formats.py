"""Memory formats: channels last, for images and volumes, wherever memory_format is taken."""

import pytest

import tapeless as torch

IMAGES, VOLUMES = (2, 3, 4, 5), (2, 3, 4, 5, 6)
STRIDES = {torch.channels_last: (60, 1, 15, 3), torch.channels_last_3d: (360, 1, 90, 18, 3)}
CASES = [(torch.channels_last, IMAGES), (torch.channels_last_3d, VOLUMES)]


@pytest.mark.parametrize(("form", "sizes"), CASES)
def test_every_function_that_takes_a_format_makes_it(form, sizes):
    x = torch.randn(sizes)
    last = x.contiguous(memory_format=form)
    made = [
        last,
        x.to(memory_format=form),
        x.to(torch.float64, memory_format=form),
        x.double(memory_format=form),
        x.clone(memory_format=form),
        torch.empty(sizes, memory_format=form),
        *(like(x, memory_format=form) for like in (torch.empty_like, torch.zeros_like, torch.ones_like)),
        *(like(x, memory_format=form) for like in (torch.rand_like, torch.randn_like)),
        torch.full_like(x, 2, memory_format=form),
        torch.empty(0).resize_(sizes, memory_format=form),
        torch.empty(0).resize_as_(x, memory_format=form),
        torch.empty(0).resize_as_(last, memory_format=torch.preserve_format),
    ]
    for y in made:
        assert y.stride() == STRIDES[form] and y.is_contiguous(memory_format=form) and not y.is_contiguous()
    assert torch.equal(last, x) and torch.equal(made[1], x) and (made[11] == 2).all()


@pytest.mark.parametrize(("form", "sizes"), CASES)
def test_results_keep_the_format_and_what_has_it_is_not_copied(form, sizes):
    x = torch.randn(sizes).contiguous(memory_format=form)
    assert x.contiguous(memory_format=form) is x and x.to(memory_format=form) is x
    for y in (x + 1, x.clone(), x.exp(), torch.empty_like(x), x.double(), x.flip(1)):
        assert y.stride() == x.stride()
    assert torch.cat([x, x], 1).is_contiguous(memory_format=form)
    assert x.contiguous().stride() == torch.empty(sizes).stride()
    assert torch.empty_like(x, memory_format=torch.contiguous_format).is_contiguous()


def test_the_gradient_passes_a_change_of_format():
    x = torch.randn(IMAGES, requires_grad=True)
    y = x.contiguous(memory_format=torch.channels_last)
    (y * y).sum().backward()
    assert torch.equal(x.grad, 2 * x)
    assert y.grad_fn.name() == "CloneBackward0"


def test_one_channel_lies_in_both_formats():
    x = torch.randn(2, 1, 4, 4)
    assert x.is_contiguous(memory_format=torch.channels_last) and x.is_contiguous()
    assert x.contiguous(memory_format=torch.channels_last) is x
    assert x.to(memory_format=torch.channels_last).stride() == (16, 1, 4, 1)


@pytest.mark.parametrize(
    ("kind", "words", "call"),
    [
        (RuntimeError, "required rank 4 tensor", lambda x: x.contiguous(memory_format=torch.channels_last)),
        (RuntimeError, "required rank 4 tensor", lambda x: x.to(memory_format=torch.channels_last)),
        (RuntimeError, "required rank 5 tensor", lambda x: torch.empty_like(x, memory_format=torch.channels_last_3d)),
        (
            RuntimeError,
            "unsupported memory format Preserve",
            lambda x: torch.empty(2, memory_format=torch.preserve_format),
        ),
        (
            RuntimeError,
            "Unsupported memory formatPreserve",
            lambda x: x.resize_(2, memory_format=torch.preserve_format),
        ),
        (TypeError, "must be torch.memory_format", lambda x: torch.empty_like(x, memory_format="channels_last")),
        (TypeError, "by name", lambda x: x.is_contiguous(torch.channels_last)),
        (
            RuntimeError,
            "preserve memory format is unsupported",
            lambda x: x.is_contiguous(memory_format=torch.preserve_format),
        ),
    ],
)
def test_what_a_format_cannot_be_is_refused(kind, words, call):
    with pytest.raises(kind, match=words):
        call(torch.randn(2, 3, 4))
