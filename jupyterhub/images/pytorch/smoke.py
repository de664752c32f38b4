"""Inside the PyTorch image: training lowers the loss, and what has no GPU says so."""

import json

import torch
from kernel import check_kernel


def main() -> None:
    """Fit a small network to a known function, try what else a CPU must do, test the kernel."""
    first, last = train()
    assert last < first / 10, f"the loss went from {first} to {last}, not below a tenth"
    calculate()
    tests = check_kernel(
        "import torch; from IPython.display import Markdown; display(Markdown(str(torch.ones(2))))",
        "text/markdown",
    )
    loss = [round(first, 4), round(last, 4)]
    gpu = torch.cuda.is_available()
    print(json.dumps({"torch": torch.__version__, "gpu": gpu, "loss": loss, "kernel_tests": tests}))


def train() -> tuple[float, float]:
    """Return the loss before and after 200 steps."""
    torch.manual_seed(7)
    x = torch.randn(256, 8)
    y = x @ torch.arange(8.0).unsqueeze(1)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(200):
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses[0], losses[-1]


def calculate() -> None:
    """Call each family of functions that a GPU build links to a library of its own."""
    matrix = torch.tensor([[3.0, 0.0], [0.0, -2.0]])
    assert torch.linalg.svdvals(matrix).tolist() == [3.0, 2.0]
    assert torch.fft.fft(torch.tensor([1.0, 0.0])).tolist() == [1, 1]
    assert (matrix.to_sparse() @ torch.ones(2, 1)).flatten().tolist() == [3.0, -2.0]
    assert torch.nn.Conv2d(3, 4, 3)(torch.randn(1, 3, 8, 8)).shape == (1, 4, 6, 6)
    assert torch.nn.LSTM(3, 4)(torch.randn(5, 1, 3))[0].shape == (5, 1, 4)
    if not torch.cuda.is_available():
        try:
            torch.zeros(1).cuda()
        except RuntimeError:
            return
        raise SystemExit("a tensor went to a GPU that isn't there")


if __name__ == "__main__":
    main()
