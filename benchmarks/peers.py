"""What others would do on the same clips: baselines in a few lines of librosa, transformers and scikit-learn."""

import numpy as np


def learning_parts(audio) -> list:
    return [part for part in (audio.train, audio.validation) if len(part)]


def all_columns(model, scores: np.ndarray, num_labels: int) -> np.ndarray:
    """Probabilities with a column for every label, also for those that the training part lacks."""
    full = np.zeros((len(scores), num_labels))
    full[:, model.classes_] = scores
    return full


def mfcc_forest(audio, seed: int) -> np.ndarray:
    """Mean and deviation of 20 MFCC, deviation of their differences, in a random forest of 500 trees."""
    import librosa
    from sklearn.ensemble import RandomForestClassifier

    def statistics(clips) -> np.ndarray:
        rows = []
        for index in range(len(clips)):
            mfcc = librosa.feature.mfcc(y=clips.waveform(index), sr=audio.sampling_rate, n_mfcc=20)
            change = np.diff(mfcc, axis=1) if mfcc.shape[1] > 1 else np.zeros_like(mfcc)
            rows.append(np.concatenate([mfcc.mean(1), mfcc.std(1), change.std(1)]))
        return np.array(rows)

    forest = RandomForestClassifier(500, random_state=seed, n_jobs=-1)
    parts = learning_parts(audio)
    forest.fit(np.concatenate([statistics(p) for p in parts]), np.concatenate([p.targets for p in parts]))
    return all_columns(forest, forest.predict_proba(statistics(audio.test)), len(audio.labels))


def whisper_regression(audio, seed: int, window_seconds: int = 3) -> np.ndarray:
    """The mean of a frozen Whisper's last layer over the first seconds of a clip, in a logistic regression."""
    import torch
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from transformers import WhisperFeatureExtractor, WhisperForAudioClassification

    from audiocls.pretrained.weights import fetch_weights

    folder = fetch_weights("whisper-tiny.en", verbose=False)
    encoder = WhisperForAudioClassification.from_pretrained(folder).encoder.eval()
    positions = torch.nn.Embedding.from_pretrained(encoder.embed_positions.weight[: 50 * window_seconds])
    encoder.embed_positions, encoder.max_source_positions = positions, 50 * window_seconds
    encoder.config.max_source_positions = 50 * window_seconds
    extractor = WhisperFeatureExtractor(chunk_length=window_seconds)

    @torch.inference_mode()
    def pooled(clips) -> np.ndarray:
        rows = []
        for index in range(len(clips)):
            features = extractor(clips.waveform(index), sampling_rate=16000, return_tensors="pt").input_features
            rows.append(encoder(features).last_hidden_state.mean(1)[0].numpy())
        return np.array(rows)

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    parts = learning_parts(audio)
    model.fit(np.concatenate([pooled(p) for p in parts]), np.concatenate([p.targets for p in parts]))
    return all_columns(model, model.predict_proba(pooled(audio.test)), len(audio.labels))
