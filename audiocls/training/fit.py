"""The training loop: one readable pass over epochs with Accelerate, for one process or many.

It trains a model in memory and keeps a resumable checkpoint; it knows nothing of data sources, model folders or the
terminal beyond its progress bar.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import nn
from tqdm import tqdm

from audiocls.config import TrainConfig
from audiocls.data.dataset import Clips
from audiocls.errors import UsageError
from audiocls.evaluation.metrics import summary_scores
from audiocls.models.modeling_audiocls import AudioClsForAudioClassification
from audiocls.training.augment import Augmentation, augment_waveforms, longest_treated, mask_features, mix_pairs
from audiocls.training.batches import Batch, epoch_batches, load_batch, one_ahead, own_share, soft_targets
from audiocls.training.checkpoints import (
    load_checkpoint,
    nested,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
    unnested,
)
from audiocls.training.layers import prepare_layers
from audiocls.training.logits import clip_logits
from audiocls.training.losses import Loss
from audiocls.training.optimizers import learning_rate, make_optimizer

MAX_GRADIENT_NORM = 5.0


class TrainingStep(nn.Module):
    """What one training step computes, as one module, so that a distributed wrapper sees a single forward."""

    def __init__(self, model: AudioClsForAudioClassification, num_processes: int) -> None:
        super().__init__()
        self.model = model
        self.dropouts = prepare_layers(model, num_processes)

    def forward(
        self, samples: torch.Tensor, lengths: torch.Tensor, draws: list[Augmentation], partners: list[int]
    ) -> torch.Tensor:
        for dropout in self.dropouts:
            dropout.seeds = [drawn.seed for drawn in draws]
        features, mask = self.model.window_features(samples, lengths)
        features = mix_pairs(mask_features(features, mask, draws), draws, partners)
        mixed = torch.tensor([drawn.mix_share < 1 for drawn in draws], device=mask.device)
        mask = mask | (mask[partners] & mixed[:, None])
        return self.model.network(features, mask)


@dataclass
class Progress:
    """Where a run stands; saved with every checkpoint."""

    epoch: int = 0
    step: int = 0
    best_epoch: int = 0
    best_score: list[float] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)


class Fit:
    """One training run over epochs.

    Args:
        model: on any device; its feature normalisation is already set.
        train, validation: the clips; validation may be empty, and then the last epoch is kept.
        checkpoint: file that is written after every epoch, or None to keep nothing.
        progress_bar: show one (on the main process).
    """

    def __init__(
        self,
        model: AudioClsForAudioClassification,
        train: Clips,
        validation: Clips,
        config: TrainConfig,
        loss: Loss,
        accelerator: Accelerator,
        checkpoint: Path | None = None,
        progress_bar: bool = True,
        on_epoch: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.train, self.validation, self.config, self.loss = train, validation, config, loss
        self.accelerator, self.checkpoint = accelerator, checkpoint
        self.progress_bar = progress_bar and accelerator.is_main_process
        self.on_epoch = on_epoch
        num_labels = len(model.config.id2label or {})
        self.targets = soft_targets(train, num_labels)
        self.validation_targets = soft_targets(validation, num_labels)
        self.progress = Progress()
        sizes = [len(batch) for batch in epoch_batches(len(train), config.batch_size, config.seed, 0)]
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
            nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]
        nn.Module.to(model, accelerator.device)
        self.model = model
        self.best = self._weights()
        self.optimizer = make_optimizer(model, config)
        self.width = longest_treated(config, int(train.lengths.max()), model.config.window_length)
        self.step_module, self.optimizer = accelerator.prepare(
            TrainingStep(model, accelerator.num_processes), self.optimizer
        )

    # --- running -------------------------------------------------------------------------------------------------

    def run(self) -> AudioClsForAudioClassification:
        """Train to the end (or until patience ends) and return the model with the weights to keep, ready to score."""
        while self.progress.epoch < self.num_epochs and not self._out_of_patience():
            row = self._run_epoch()
            self._keep_best(row)
            self.progress.history.append(row)
            self.progress.epoch += 1
            self._save()
            if self.on_epoch is not None:
                self.on_epoch(row)
        self.model.load_state_dict(self.best)
        return self.model.eval()

    def _run_epoch(self) -> dict[str, Any]:
        started, waited = time.perf_counter(), 0.0
        epoch, config, accelerator = self.progress.epoch, self.config, self.accelerator
        self.step_module.train()
        batches = epoch_batches(len(self.train), config.batch_size, config.seed, epoch)
        group = config.gradient_accumulation_steps
        loss_sum, seen_targets, seen_logits = 0.0, [], []
        bar = tqdm(
            total=len(self.train),
            desc=f"epoch {epoch + 1}/{self.num_epochs}",
            unit="clip",
            leave=False,
            disable=not self.progress_bar,
        )
        coming = one_ahead(self._load, batches)
        for number, batch in enumerate(batches):
            before_loading = time.perf_counter()
            loaded = next(coming)
            waited += time.perf_counter() - before_loading
            waveforms, draws, partners = loaded.waveforms, loaded.draws, loaded.partners
            targets = mix_pairs(loaded.targets, draws, partners).to(accelerator.device)
            steps_now = (number + 1) % group == 0 or number + 1 == len(batches)
            in_group = batches[number - number % group : number - number % group + group]
            clips_in_step = sum(len(other) for other in in_group)
            rate = learning_rate(self.progress.step, self.total_steps, config.learning_rate)
            for parameters in self.optimizer.param_groups:
                parameters["lr"] = rate
            with accelerator.autocast():
                logits = self.step_module(waveforms.samples, waveforms.lengths, draws, partners)
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
            seen_logits.append(logits.detach().float().cpu().numpy())
            seen_targets.append(loaded.targets.numpy())
            bar.update(len(batch))
            bar.set_postfix(loss=f"{loss_sum / max(1, sum(map(len, seen_targets))):.3f}", refresh=False)
        bar.close()
        if accelerator.num_processes > 1:
            loss_sum = sum(gather_object([loss_sum]))
            seen_logits, seen_targets = gather_object(seen_logits), gather_object(seen_targets)
        row: dict[str, Any] = {"epoch": epoch + 1, "learning_rate": rate, "train_loss": loss_sum / len(self.train)}
        row.update(self._scores("train", np.concatenate(seen_targets), np.concatenate(seen_logits)))
        if len(self.validation):
            row.update(self._validate())
        row["seconds"] = round(time.perf_counter() - started, 3)
        row["device_busy"] = round(1 - waited / (time.perf_counter() - started), 4)
        return row

    def _load(self, batch: np.ndarray) -> Batch:
        """This process's share of a batch, read, brought to the device and augmented there."""
        accelerator, model_config = self.accelerator, self.model.config
        own = own_share(batch, accelerator.process_index, accelerator.num_processes)
        window = model_config.window_length
        loaded = load_batch(self.train, self.targets, own, self.progress.epoch, self.config, window)
        waveforms = loaded.waveforms.to(accelerator.device)
        treated = augment_waveforms(waveforms, loaded.draws, model_config.sampling_rate, window, self.width)
        return replace(loaded, waveforms=treated)

    def _validate(self) -> dict[str, float]:
        accelerator, count = self.accelerator, len(self.validation)
        own = np.arange(count)[accelerator.process_index :: accelerator.num_processes]
        logits = clip_logits(self.model.eval(), self.validation, own, accelerator.device)
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

    # --- the weights to keep ----------------------------------------------------------------------------------------

    def _keep_best(self, row: dict[str, Any]) -> None:
        """Keep the latest weights, or those of the highest validation macro F1 and then the lowest validation loss.

        The latest by default: the learning rate ends at zero there, while the best of many scores on a few
        validation clips is mostly the luckiest.
        """
        by_score = len(self.validation) and (self.config.keep == "best" or self.config.early_stopping_patience)
        score = [row["validation_f1"], -row["validation_loss"]] if by_score else [float(row["epoch"])]
        if not self.progress.best_score or score >= self.progress.best_score:
            self.progress.best_score, self.progress.best_epoch = score, row["epoch"]
            self.best = self._weights()

    def _out_of_patience(self) -> bool:
        patience = self.config.early_stopping_patience
        return bool(
            patience and len(self.validation) and self.progress.epoch - self.progress.best_epoch >= patience > 0
        )

    def _weights(self) -> dict[str, torch.Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}

    # --- checkpoints --------------------------------------------------------------------------------------------------

    def _save(self) -> None:
        if self.checkpoint is None or not self.accelerator.is_main_process:
            return
        tensors = {
            **nested("model", self.model.state_dict()),
            **nested("best", self.best),
            **nested("optimizer", optimizer_tensors(self.optimizer)),
        }
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
        self.best = {name: tensor.to(self.accelerator.device) for name, tensor in unnested("best", tensors).items()}
        restore_optimizer(self.optimizer, unnested("optimizer", tensors))
        if self.accelerator.scaler is not None and "scaler" in state:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        self.progress = Progress(**state["progress"])

    def _identity(self) -> dict[str, Any]:
        """What must be equal for a resumed run to end as the uninterrupted one."""
        ignored = {"num_workers", "strict"}
        settings = {name: value for name, value in self.config.to_dict().items() if name not in ignored}
        clips = {"train_clips": len(self.train), "train_samples": int(self.train.lengths.sum())}
        return {**settings, **clips, "processes": self.accelerator.num_processes}
