"""The training loop: one readable pass over epochs with Accelerate, for one process or many, for any trainee.

It trains a model in memory and keeps a resumable checkpoint; it knows nothing of architectures, data sources, model
folders or the terminal beyond its progress bar.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import nn
from tqdm import tqdm

from audiocls.config import TrainConfig
from audiocls.data.backgrounds import Backgrounds
from audiocls.data.clips import Clips
from audiocls.errors import UsageError
from audiocls.evaluation.metrics import summary_scores
from audiocls.inference.classifier import AudioClassifier
from audiocls.training.augment import augment_waveforms, longest_treated, mix_pairs
from audiocls.training.batches import (
    Batch,
    epoch_batches,
    load_batch,
    nothing_targets,
    one_ahead,
    own_share,
    soft_targets,
)
from audiocls.training.checkpoints import (
    load_checkpoint,
    nested,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
    unnested,
)
from audiocls.training.laying import lay_into
from audiocls.training.logits import clip_logits
from audiocls.training.losses import Loss
from audiocls.training.optimizers import learning_rate, make_optimizer, set_learning_rate
from audiocls.training.progress import Progress
from audiocls.training.trainee import Inputs, Trainee

MAX_GRADIENT_NORM = 5.0
NOTHING_SHARE = 0.2  # windows of background alone, beside the clips of an epoch


class Fit:
    """One training run over epochs.

    Args:
        trainee: its model may be on any device.
        train, validation: the clips; validation may be empty, and then the last epoch is kept.
        backgrounds: what clips are laid into, in a run that trains for the field.
        checkpoint: file that is written after every epoch, or None to keep nothing.
        progress_bar: show one (on the main process).
    """

    def __init__(
        self,
        trainee: Trainee,
        train: Clips,
        validation: Clips,
        config: TrainConfig,
        loss: Loss,
        accelerator: Accelerator,
        checkpoint: Path | None = None,
        progress_bar: bool = True,
        on_epoch: Callable[[dict[str, Any]], None] | None = None,
        backgrounds: Backgrounds | None = None,
    ) -> None:
        self.trainee, self.model = trainee, trainee.model
        self.train, self.validation, self.config, self.loss = train, validation, config, loss
        self.accelerator, self.checkpoint = accelerator, checkpoint
        self.progress_bar = progress_bar and accelerator.is_main_process
        self.on_epoch, self.backgrounds = on_epoch, backgrounds
        num_labels = self.model.config.num_labels
        # Beside the clips an epoch has windows of background alone.
        nothing = round(NOTHING_SHARE * len(train)) if backgrounds is not None else 0
        self.targets = np.concatenate(
            [soft_targets(train, num_labels), nothing_targets(nothing, num_labels, loss.multi_label)]
        )
        self.validation_targets = soft_targets(validation, num_labels)
        self.progress = Progress()
        sizes = [len(batch) for batch in epoch_batches(len(self.targets), config.batch_size, config.seed, 0)]
        steps_per_epoch = -(-len(sizes) // config.gradient_accumulation_steps)
        self.num_epochs = config.epochs(len(train))
        self.total_steps = steps_per_epoch * self.num_epochs
        if accelerator.num_processes > 1:
            if min(sizes) < 2 * accelerator.num_processes:
                raise UsageError(
                    f"{accelerator.num_processes} processes cannot share batches of {min(sizes)} clips; "
                    f"raise batch_size (now {config.batch_size}) or start fewer processes"
                )
        else:  # a quarter faster convolutions on a CPU; gradient buckets of several processes do not take it
            nn.Module.to(self.model, memory_format=torch.channels_last)  # type: ignore[call-overload]
        nn.Module.to(self.model, accelerator.device)
        self.classifier = AudioClassifier.of(self.model, trainee.extractor)
        self.best = self._weights()
        self.optimizer = make_optimizer(self.model, config, trainee.learning_rate_scale)
        self.width = longest_treated(config, int(train.lengths.max()), trainee.window_length)
        self.step_module, self.optimizer = accelerator.prepare(
            trainee.step_module(accelerator.num_processes), self.optimizer
        )

    # --- running -------------------------------------------------------------------------------------------------

    def run(self) -> Any:
        """Train to the end (or until patience ends) and return the model with the weights to keep, ready to score."""
        patience = self.config.early_stopping_patience if len(self.validation) else 0
        by_score = bool(len(self.validation) and (self.config.keep == "best" or patience))
        progress = self.progress
        while progress.epoch < self.num_epochs and not 0 < patience <= progress.epochs_without_better:
            row = self._run_epoch()
            if progress.record(row, by_score):
                self.best = self._weights()
            self._save()
            if self.on_epoch is not None:
                self.on_epoch(row)
        self.model.load_state_dict(self.best)
        return self.model.eval()

    def _run_epoch(self) -> dict[str, Any]:
        started, waited = time.perf_counter(), 0.0
        epoch, config, accelerator = self.progress.epoch, self.config, self.accelerator
        self.step_module.train()
        batches = epoch_batches(len(self.targets), config.batch_size, config.seed, epoch)
        group = config.gradient_accumulation_steps
        loss_sum, seen_targets, seen_logits = 0.0, [], []
        bar = tqdm(
            total=len(self.targets),
            desc=f"epoch {epoch + 1}/{self.num_epochs}",
            unit="clip",
            leave=False,
            disable=not self.progress_bar,
        )
        coming = one_ahead(self._load, batches)
        for number, batch in enumerate(batches):
            before_loading = time.perf_counter()
            loaded, inputs = next(coming)
            waited += time.perf_counter() - before_loading
            draws, partners = loaded.draws, loaded.partners
            targets = mix_pairs(loaded.targets, draws, partners).to(accelerator.device)
            steps_now = (number + 1) % group == 0 or number + 1 == len(batches)
            in_group = batches[number - number % group : number - number % group + group]
            clips_in_step = sum(len(other) for other in in_group)
            rate = learning_rate(self.progress.step, self.total_steps, config.learning_rate)
            set_learning_rate(self.optimizer, rate)
            with accelerator.autocast():
                logits = self.step_module(inputs, draws, partners)
            loss = self.loss(logits, targets)
            # Gradients are averaged over processes: scale to the mean over all clips of the step.
            scaled = loss * (accelerator.num_processes / clips_in_step)
            if steps_now:
                accelerator.backward(scaled)
                accelerator.clip_grad_norm_(self.step_module.parameters(), MAX_GRADIENT_NORM)
                self.optimizer.step()
                self.optimizer.zero_grad()
                self.progress.step += 1
            else:
                with accelerator.no_sync(self.step_module):
                    accelerator.backward(scaled)
            loss_sum += float(loss.detach())
            seen_logits.append(logits.detach().float().cpu().numpy()[loaded.is_clip])
            seen_targets.append(loaded.targets.numpy()[loaded.is_clip])
            bar.update(len(batch))
            bar.set_postfix(loss=f"{loss_sum / max(1, sum(map(len, seen_targets))):.3f}", refresh=False)
        bar.close()
        if accelerator.num_processes > 1:
            loss_sum = sum(gather_object([loss_sum]))
            seen_logits, seen_targets = gather_object(seen_logits), gather_object(seen_targets)
        row: dict[str, Any] = {"epoch": epoch + 1, "learning_rate": rate, "train_loss": loss_sum / len(self.targets)}
        row.update(self._scores("train", np.concatenate(seen_targets), np.concatenate(seen_logits)))
        if len(self.validation):
            row.update(self._validate())
        row["seconds"] = round(time.perf_counter() - started, 3)
        row["device_busy"] = round(1 - waited / (time.perf_counter() - started), 4)
        return row

    def _load(self, batch: np.ndarray) -> tuple[Batch, Inputs]:
        """This process's share of a batch, read, brought to the device, augmented there and made the model's inputs."""
        accelerator, trainee = self.accelerator, self.trainee
        own = own_share(batch, accelerator.process_index, accelerator.num_processes)
        window = trainee.window_length
        epoch = self.progress.epoch
        loaded = load_batch(self.train, self.targets, own, epoch, self.config, window, self.backgrounds)
        waveforms = loaded.waveforms.to(accelerator.device)
        treated = augment_waveforms(waveforms, loaded.draws, trainee.sampling_rate, window, self.width)
        if loaded.backgrounds is not None:
            behind = loaded.backgrounds.to(accelerator.device)
            treated = lay_into(treated, loaded.draws, behind, trainee.sampling_rate)
        return loaded, trainee.inputs(treated, loaded.draws, loaded.partners)

    def _validate(self) -> dict[str, float]:
        accelerator, count = self.accelerator, len(self.validation)
        own = np.arange(count)[accelerator.process_index :: accelerator.num_processes]
        self.model.eval()
        logits = clip_logits(self.classifier, self.validation, own)
        pairs = list(zip(own.tolist(), logits, strict=True))
        if accelerator.num_processes > 1:
            pairs = sorted(gather_object(pairs), key=lambda pair: pair[0])
        all_logits = np.stack([row for _, row in pairs])
        loss = float(self.loss(torch.from_numpy(all_logits), torch.from_numpy(self.validation_targets))) / count
        return {"validation_loss": loss, **self._scores("validation", self.validation_targets, all_logits)}

    def _scores(self, part: str, targets: np.ndarray, logits: np.ndarray) -> dict[str, float]:
        multi_label = self.loss.multi_label
        truth = (targets > 0.5).astype(int) if multi_label else targets.argmax(1)
        guess = (logits > 0).astype(int) if multi_label else logits.argmax(1)
        return {f"{part}_{name}": value for name, value in summary_scores(truth, guess, multi_label).items()}

    # --- checkpoints --------------------------------------------------------------------------------------------------

    def _weights(self) -> dict[str, torch.Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}

    def _save(self) -> None:
        if self.checkpoint is None or not self.accelerator.is_main_process:
            return
        tensors = nested("model", self.model.state_dict()) | nested("optimizer", optimizer_tensors(self.optimizer))
        if self.progress.epochs_without_better:
            tensors |= nested("best", self.best)
        state = {"progress": vars(self.progress), "run": self._identity()}
        if self.accelerator.scaler is not None:
            state["scaler"] = self.accelerator.scaler.state_dict()
        save_checkpoint(self.checkpoint, tensors, state)

    def resume(self) -> None:
        """Go on where the checkpoint stands.

        Raises:
            UsageError: the checkpoint belongs to other settings, data or process count.
            OutputError: it is damaged.
        """
        if self.checkpoint is None or not self.checkpoint.exists():
            return
        tensors, state = load_checkpoint(self.checkpoint)
        saved, mine = state["run"], json.loads(json.dumps(self._identity()))
        changed = [name for name in mine if saved.get(name) != mine[name]]
        if changed:
            listed = ", ".join(f"{name} ({saved.get(name)!r} then, {mine[name]!r} now)" for name in changed[:3])
            raise UsageError(f"{self.checkpoint}: the run to resume differs in {listed}; repeat its settings")
        self.model.load_state_dict(unnested("model", tensors))
        best = unnested("best", tensors)
        self.best = {name: tensor.to(self.accelerator.device) for name, tensor in best.items()} or self._weights()
        restore_optimizer(self.optimizer, unnested("optimizer", tensors))
        if self.accelerator.scaler is not None and "scaler" in state:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        self.progress = Progress(**state["progress"])

    def _identity(self) -> dict[str, Any]:
        """What must be equal for a resumed run to end as the uninterrupted one."""
        ignored = {"num_workers", "strict"}
        settings = {name: value for name, value in self.config.to_dict().items() if name not in ignored}
        clips: dict[str, Any] = {"train_clips": len(self.train), "train_samples": int(self.train.lengths.sum())}
        if self.backgrounds is not None:
            clips["backgrounds"] = self.backgrounds.fingerprint
        return {**settings, **clips, "processes": self.accelerator.num_processes}
