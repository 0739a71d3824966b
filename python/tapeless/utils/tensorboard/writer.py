# SummaryWriter: what TensorBoard shows of a run, written by the package tensorboardX or by events.py.
"""`torch.utils.tensorboard.SummaryWriter` over tensorboardX, or over our own event files without that package."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import tapeless

__all__ = ["SummaryWriter"]


def _package() -> Any:
    """What writes the files: tensorboardX, or our own writer of the commonest kinds where that is not installed."""
    try:
        import tensorboardX
    except ModuleNotFoundError:
        from tapeless.utils.tensorboard import events

        return events
    return tensorboardX


def _plain(value: Any) -> Any:
    """Tensors as NumPy's arrays, in containers too."""
    if isinstance(value, tapeless.Tensor):
        x = value.detach()
        return (x.float() if x.dtype is tapeless.bfloat16 else x).numpy()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _number(value: Any) -> Any:
    """A tensor or array of one element as a number."""
    return value.item() if hasattr(value, "item") else value


class SummaryWriter:
    """Writes scalars, histograms, images, texts and the like into a folder of event files, for TensorBoard.

    `log_dir` is runs/DATE_HOST and `comment` where it is not given. Without the package tensorboardX,
    scalars, histograms, texts and images are written; the others raise ModuleNotFoundError.
    """

    def __init__(
        self,
        log_dir: Any = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        logdir = None if not log_dir else str(log_dir)
        self._writer = _package().SummaryWriter(
            logdir, comment, purge_step, max_queue, flush_secs, filename_suffix=filename_suffix
        )
        self.log_dir = self._writer.logdir
        self.purge_step, self.max_queue, self.flush_secs = purge_step, max_queue, flush_secs
        self.filename_suffix = filename_suffix

    @property
    def file_writer(self) -> Any:
        """The writer of the event file."""
        return self._writer.file_writer

    def get_logdir(self) -> str:
        """The folder of the event files."""
        return self.log_dir

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: Any = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """One number of a curve."""
        self._writer.add_scalar(tag, _number(scalar_value), _number(global_step), walltime)

    def add_scalars(
        self, main_tag: str, tag_scalar_dict: dict[str, Any], global_step: Any = None, walltime: float | None = None
    ) -> None:
        """Numbers of several curves of one chart."""
        numbers = {name: _number(value) for name, value in tag_scalar_dict.items()}
        self._writer.add_scalars(main_tag, numbers, _number(global_step), walltime)

    def add_tensor(self, tag: str, tensor: Any, global_step: Any = None, walltime: float | None = None) -> None:
        """The elements of a tensor."""
        self._writer.add_tensor(tag, _plain(tensor), _number(global_step), walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: Any = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """How values are distributed."""
        self._writer.add_histogram(tag, _plain(values), _number(global_step), bins, walltime, max_bins)

    def add_histogram_raw(
        self,
        tag: str,
        min: float,
        max: float,
        num: int,
        sum: float,
        sum_squares: float,
        bucket_limits: Any,
        bucket_counts: Any,
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """A histogram that the program counted itself."""
        counted = (min, max, num, sum, sum_squares, _plain(bucket_limits), _plain(bucket_counts))
        self._writer.add_histogram_raw(tag, *counted, _number(global_step), walltime)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """An image: uint8 from 0 to 255, or floats from 0 to 1."""
        self._writer.add_image(tag, _plain(img_tensor), _number(global_step), walltime, dataformats)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Several images of one size."""
        self._writer.add_images(tag, _plain(img_tensor), _number(global_step), walltime, dataformats)

    def add_image_with_boxes(
        self,
        tag: str,
        img_tensor: Any,
        box_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        rescale: float = 1,
        dataformats: str = "CHW",
        labels: Any = None,
    ) -> None:
        """An image with rectangles drawn into it: rows of x1, y1, x2, y2."""
        self._writer.add_image_with_boxes(
            tag,
            _plain(img_tensor),
            _plain(box_tensor),
            _number(global_step),
            walltime,
            dataformats,
            labels,
            rescale=rescale,
        )

    def add_figure(
        self, tag: str, figure: Any, global_step: Any = None, close: bool = True, walltime: float | None = None
    ) -> None:
        """A figure of matplotlib, or a list of them, as an image."""
        self._writer.add_figure(tag, figure, _number(global_step), close, walltime)

    def add_video(
        self, tag: str, vid_tensor: Any, global_step: Any = None, fps: float = 4, walltime: float | None = None
    ) -> None:
        """Videos of sizes (N, T, C, H, W); moviepy must be installed."""
        self._writer.add_video(tag, _plain(vid_tensor), _number(global_step), fps, walltime)

    def add_audio(
        self,
        tag: str,
        snd_tensor: Any,
        global_step: Any = None,
        sample_rate: int = 44100,
        walltime: float | None = None,
    ) -> None:
        """Sound of sizes (1, L), between -1 and 1; soundfile must be installed."""
        sound = _plain(snd_tensor).reshape(-1, 1)  # The package has a column for each channel.
        self._writer.add_audio(tag, sound, _number(global_step), sample_rate, walltime)

    def add_text(self, tag: str, text_string: str, global_step: Any = None, walltime: float | None = None) -> None:
        """A text, which TensorBoard reads as Markdown."""
        self._writer.add_text(tag, text_string, _number(global_step), walltime)

    def add_graph(
        self, model: Any, input_to_model: Any = None, verbose: bool = False, use_strict_trace: bool = True
    ) -> None:
        """RuntimeError: that graph is TorchScript's. `tapeless.viz` draws the graph of a result."""
        raise RuntimeError(
            "SummaryWriter.add_graph: TensorBoard shows graphs that TorchScript traced, and Tapeless has none; "
            "tapeless.viz draws the graph of a result"
        )

    def add_embedding(
        self,
        mat: Any,
        metadata: Any = None,
        label_img: Any = None,
        global_step: Any = None,
        tag: str = "default",
        metadata_header: Any = None,
    ) -> None:
        """Points of sizes (N, D) with labels and images, for the projector."""
        label = _plain(label_img)
        self._writer.add_embedding(_plain(mat), metadata, label, _number(global_step), tag, metadata_header)

    def add_pr_curve(
        self,
        tag: str,
        labels: Any,
        predictions: Any,
        global_step: Any = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: float | None = None,
    ) -> None:
        """The curve of precision over recall of predicted probabilities."""
        given = (_plain(labels), _plain(predictions))
        self._writer.add_pr_curve(tag, *given, _number(global_step), num_thresholds, _plain(weights), walltime)

    def add_custom_scalars(self, layout: dict[str, Any]) -> None:
        """Charts that gather curves of several tags."""
        self._writer.add_custom_scalars(layout)

    def add_mesh(
        self,
        tag: str,
        vertices: Any,
        colors: Any = None,
        faces: Any = None,
        config_dict: Any = None,
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Meshes or clouds of points in space: vertices of sizes (B, N, 3)."""
        parts = (_plain(vertices), _plain(colors), _plain(faces))
        self._writer.add_mesh(tag, *parts, config_dict, _number(global_step), walltime)

    def add_hparams(
        self,
        hparam_dict: dict[str, Any],
        metric_dict: dict[str, Any],
        hparam_domain_discrete: Any = None,
        run_name: str | None = None,
        global_step: Any = None,
    ) -> None:
        """A run's hyperparameters beside what came of them; their domains are not written."""
        if not isinstance(hparam_dict, dict) or not isinstance(metric_dict, dict):
            raise TypeError("hparam_dict and metric_dict should be dictionary.")
        given = {name: _number(value) for name, value in hparam_dict.items()}
        reached = {name: _number(value) for name, value in metric_dict.items()}
        self._writer.add_hparams(given, reached, run_name, _number(global_step))

    def flush(self) -> None:
        """Writes what waits to the disk."""
        if self._writer.file_writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Writes what waits, and closes the file."""
        self._writer.close()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
