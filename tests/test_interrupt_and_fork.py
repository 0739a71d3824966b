"""Ctrl-C ends long work with KeyboardInterrupt and harms no tensor; a forked child can go on computing."""

import signal
import subprocess
import sys
import textwrap

import pytest

from tests.subject import SUBJECT, run_alone

# Work that takes a good while, and what must hold once it was interrupted. Each repeats until the signal comes, so
# that a fast machine ends no test early; the step itself is long, so that the signal mostly falls inside it.
PREPARE = """
    import os, sys
    x = torch.full((1 << 22,), 0.5)
    m = torch.full((1200, 1200), 0.001)
    leaf = torch.full((1 << 16,), 0.5, requires_grad=True)
    y = leaf
    for _ in range(400):
        y = (y * 0.999).sin()
    loss = y.sum()
"""
WORK = {
    "elementwise": "x.exp().sin().log1p().sum().item()",
    "product": "(m @ m @ m)[0, 0].item()",
    "backward": "loss.backward(retain_graph=True)",
}
AFTER = """
    assert x[0].item() == 0.5 and x[-1].item() == 0.5
    assert abs((m @ m)[0, 0].item() - 1200e-6) < 1e-6
    leaf.grad = None
    loss.backward(retain_graph=True)
    first = leaf.grad.clone()
    leaf.grad = None
    loss.backward()
    assert (first == leaf.grad).all() if hasattr(first, "all") else first.tolist() == leaf.grad.tolist()
    assert ((x + 1).sum() / x.numel()).item() == 1.5
    print("usable")
"""


@pytest.mark.parametrize("work", list(WORK))
def test_ctrl_c_raises_keyboard_interrupt_and_tensors_stay_usable(work):
    program = (
        f"import {SUBJECT} as torch\n"
        + textwrap.dedent(PREPARE)
        + textwrap.dedent(f"""
            try:
                {WORK[work]}  # Once before: the pool runs, the product's library is loaded.
                print("started", flush=True)
                while True:
                    {WORK[work]}
            except KeyboardInterrupt:
                print("interrupted", flush=True)
        """)
        + textwrap.dedent(AFTER)
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "started\n", process.stderr.read()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert (process.returncode, out) == (0, "interrupted\nusable\n"), err


@pytest.mark.ours_differs("PyTorch does not look for signals inside one call")
@pytest.mark.parametrize("call", ["torch.sin, [x]", "torch.sum, [x.expand(256, -1)]", "torch.mm, [m, m]"])
def test_a_call_is_interrupted_inside(call):
    # The loop is C's and has no end, so no instruction of Python ever looks for the signal: only the calls can.
    # Each takes long enough to look: work of a few milliseconds does not.
    program = f"""
    import collections, itertools, signal
    def stop(*_):
        raise KeyboardInterrupt
    x = torch.ones(1 << 24, dtype=torch.float64)
    m = torch.full((1000, 1000), 0.001)
    function, arguments = {call}
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        collections.deque(itertools.starmap(function, itertools.repeat(arguments)), maxlen=0)
    except KeyboardInterrupt:
        print("interrupted")
    print(x.sum().item() == 1 << 24, round((m @ m)[0, 0].item(), 5))
    """
    # Unfused, because a call that only notes what is to be computed has no inside.
    assert run_alone(program, TAPELESS_FUSION="0") == "interrupted\nTrue 0.001\n"


CHILD = """
    import os, signal
    {prepare}
    pid = os.fork()
    if pid == 0:
        signal.alarm(100)  # A child that hangs is a failure, not a test that never ends.
        try:
            {body}
        except BaseException:
            import traceback; traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    {body}
    print(status)
"""
WARM = """big = torch.full((1 << 20,), 2.0, requires_grad=True)
    m = torch.full((300, 300), 0.5, requires_grad=True)
    ((big.exp() + 1).sum() + (m @ m).sum()).backward()
    big.grad = m.grad = None
    pending = (big * 3).exp().log()
    product = m @ m"""
BODY = """assert abs(pending[7].item() - 6) < 1e-5
{pad}(pending.sum() + product.sum()).backward()
{pad}assert abs(big.grad[5].item() - 3) < 1e-4 and abs(m.grad[0, 0].item() - 300) < 1e-2
{pad}assert ((m @ m)[1, 1].item(), (big + 1).sum().item()) == (75.0, 3.0 * (1 << 20))"""


def child_program(warm):
    child, parent = (BODY.format(pad=" " * pad) for pad in (12, 4))
    return CHILD.replace("{body}", child, 1).replace("{body}", parent, 1).replace("{prepare}", warm)


@pytest.mark.filterwarnings("ignore:This process")
def test_a_forked_child_computes_multiplies_and_differentiates():
    assert run_alone(child_program(WARM)) == "0\n"


def test_multiprocessing_by_fork_carries_pending_tensors_along():
    out = run_alone("""
    import multiprocessing, warnings
    warnings.simplefilter("ignore")
    x = torch.full((1 << 20,), 2.0, requires_grad=True)
    m = torch.full((200, 200), 0.5)
    (m @ m).sum().item(), x.exp().sum().item()
    pending = (x * 3).exp().log()

    def work(k):
        x.grad = None  # One child may get both tasks.
        loss = (pending * k).sum() + (m @ m).sum()
        loss.backward(retain_graph=True)
        return round(pending[3].item()), round(x.grad[0].item())

    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(pool.map_async(work, [1, 1]).get(timeout=200)[0])
    print(round(pending[3].item()))
    """)
    assert out == "(6, 3)\n6\n"
