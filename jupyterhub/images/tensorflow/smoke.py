"""Inside the TensorFlow image: training lowers the loss."""

import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from kernel import check_kernel


def main() -> None:
    """Fit a small network to a known function, then test the kernel."""
    keras.utils.set_random_seed(7)
    x = np.random.default_rng(7).normal(size=(256, 8)).astype("float32")
    y = x @ np.arange(8, dtype="float32")[:, None]
    layers = [keras.layers.Dense(16, activation="relu"), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="mse")
    losses = model.fit(x, y, epochs=60, batch_size=64, verbose=0).history["loss"]
    first, last = losses[0], losses[-1]
    assert last < first / 10, f"the loss went from {first} to {last}, not below a tenth"
    tests = check_kernel(
        "import tensorflow as tf; from IPython.display import Markdown; "
        "display(Markdown(str(tf.ones(2).numpy())))",
        "text/markdown",
    )
    loss = [round(first, 4), round(last, 4)]
    print(json.dumps({"tensorflow": tf.__version__, "loss": loss, "kernel_tests": tests}))


if __name__ == "__main__":
    main()
