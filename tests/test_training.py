"""The training loop: what it learns, what it repeats, and how it ends."""

import pytest
import torch
import torch.nn.functional as F
from helpers import normalised, tiny_dataset, tiny_net
from torch import nn

from workshop_utils import evaluation, models, training, transfer


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


# --- learning ---


def test_loss_falls_and_every_picture_is_learnt():
    history = training.fit(tiny_net(), tiny_dataset(), epochs=30, batch_size=6, learning_rate=0.03)
    assert history.loss[-1] < 0.5 * history.loss[0] and history.accuracy[-1] > 0.9
    assert (
        len(history.loss) == len(history.accuracy) == 30
        and not history.stopped
        and history.seconds > 0
    )


def test_step_agrees_with_the_textbook():
    (images, labels), model, twin = (
        (torch.randn(6, 1, 8, 8), torch.arange(6) % 3),
        tiny_net(),
        tiny_net(),
    )
    loss, right = training.step(model, images, labels, torch.optim.SGD(model.parameters(), lr=0.1))
    logits = twin.train()(images)
    expected = -logits.log_softmax(1)[torch.arange(6), labels].mean()
    gradients = torch.autograd.grad(expected, list(twin.parameters()))
    assert loss == pytest.approx(expected.item()) and right == sum(
        int(row.argmax()) == label for row, label in zip(logits, labels.tolist())
    )
    for learnt, start, gradient in zip(model.parameters(), twin.parameters(), gradients):
        torch.testing.assert_close(learnt, start - 0.1 * gradient)


def test_first_epochs_loss_agrees_with_a_loop_written_by_hand():
    dataset, model, twin = tiny_dataset(), tiny_net(), tiny_net()
    history = training.fit(model, dataset, epochs=1, batch_size=len(dataset), learning_rate=0.01)
    loss = F.cross_entropy(twin(normalised(dataset)), dataset.labels)
    loss.backward()
    torch.optim.Adam(twin.parameters(), lr=0.01).step()
    assert history.loss[0] == pytest.approx(loss.item(), abs=1e-5)
    torch.testing.assert_close(model[5].weight, twin[5].weight, atol=1e-5, rtol=0)


def test_same_seed_gives_the_same_weights_and_another_seed_others():
    nets = [nn.Sequential(nn.Dropout(0.2), *tiny_net()) for _ in range(3)]
    for model, seed in zip(nets, (1, 1, 2)):
        torch.rand(seed)  # whatever else draws random numbers
        training.fit(model, tiny_dataset(), epochs=2, batch_size=5, seed=seed)
    assert same(weights(nets[0]), weights(nets[1])) and not same(weights(nets[0]), weights(nets[2]))


def test_augment_sees_every_training_batch_and_no_validation_batch():
    seen = []

    def augment(images):
        seen.append(tuple(images.shape))
        return images

    training.fit(
        tiny_net(),
        tiny_dataset(),
        validation=tiny_dataset(5),
        epochs=2,
        batch_size=20,
        augment=augment,
    )
    assert seen == [(20, 1, 8, 8), (4, 1, 8, 8)] * 2


def test_fit_leaves_the_net_in_evaluation_mode():
    model = tiny_net()
    training.fit(model, tiny_dataset(), epochs=1)
    assert not any(layer.training for layer in model.modules())


class OutOfMemory(nn.Module):
    """Asks the CPU for more memory than there is, once it learns."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 3)

    def forward(self, x):
        return self.head(x.flatten(1)) + (torch.empty(len(x), 2**50).sum() if self.training else 0)


@pytest.mark.parametrize("batch_size, cure", [(10, "Try batch_size=5"), (1, "Try a smaller net")])
def test_full_memory_is_told_with_the_batch_size_to_try(batch_size, cure):
    with pytest.raises(
        MemoryError,
        match=f"'cpu' is too small for this net with batches of {batch_size} pictures. {cure}",
    ) as told:
        training.fit(OutOfMemory(), tiny_dataset(), epochs=1, batch_size=batch_size)
    assert told.value.__context__ is None  # else a notebook would keep the batch that did not fit


def test_other_errors_of_torch_stay_as_they_are():
    class Broken(OutOfMemory):
        def forward(self, x):
            return self.head(x.flatten(1)) + (torch.ones(3) @ torch.ones(4) if self.training else 0)

    with pytest.raises(RuntimeError, match="inconsistent tensor size|size mismatch"):
        training.fit(Broken(), tiny_dataset(), epochs=1)


def test_schedule_is_stepped_once_a_batch():
    model, rates = tiny_net(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)

    def schedule(optimizer, steps):
        assert steps == 6  # 2 epochs of 24 pictures in batches of 10
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: rates.append(done) or 1e-3)

    training.fit(
        model, tiny_dataset(), epochs=2, batch_size=10, optimizer=optimizer, schedule=schedule
    )
    assert rates == list(range(7))


def test_one_cycle_rises_to_its_rate_in_the_first_quarter_and_falls_to_almost_nothing():
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler, rates = training.one_cycle(optimizer, 100), []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert (
        max(rates) == pytest.approx(0.1)
        and 23 <= rates.index(max(rates)) <= 25
        and rates[-1] < 1e-5
    )


# --- validation ---


def test_validation_values_agree_with_evaluate_on_the_same_set():
    model, validation = tiny_net(), tiny_dataset(9, seed=3)
    history = training.fit(model, tiny_dataset(), validation=validation, epochs=2)
    expected = evaluation.evaluate(evaluation.predict(model, validation))
    assert history.validation_loss[-1] == pytest.approx(expected.cross_entropy, abs=1e-5)
    assert history.validation_accuracy[-1] == pytest.approx(expected.accuracy)


def test_validation_does_not_change_what_is_learnt():
    one, other = tiny_net(), tiny_net()
    training.fit(one, tiny_dataset(), epochs=3, batch_size=6)
    training.fit(other, tiny_dataset(), validation=tiny_dataset(seed=9), epochs=3, batch_size=6)
    assert same(weights(one), weights(other))


def test_patience_stops_and_goes_back_to_the_best_epoch():
    states, validation = [], tiny_dataset(seed=1)
    wrong = type(validation)(
        validation.images, (validation.labels + 1) % 3, validation.classes, name="wrong"
    )  # learning can only hurt
    model = tiny_net()
    history = training.fit(
        model,
        tiny_dataset(),
        validation=wrong,
        epochs=40,
        learning_rate=0.02,
        patience=3,
        on_epoch=lambda _: states.append(weights(model)),
    )
    best = history.validation_loss.index(min(history.validation_loss))
    assert (
        len(history.loss) == best + 1 + 3 < 40
        and history.stopped == "no lower validation loss in 3 epochs"
    )
    assert same(weights(model), states[best]) and not same(weights(model), states[-1])


# --- how it ends ---


def test_interrupt_keeps_what_was_learnt_and_the_net_usable():
    model, calls = tiny_net(), []

    def interrupt(history):
        calls.append(len(history.loss))
        if len(calls) == 2:
            raise KeyboardInterrupt

    history = training.fit(model, tiny_dataset(), epochs=9, on_epoch=interrupt)
    assert calls == [1, 2] and history.stopped == "interrupted" and len(history.loss) == 2
    assert repr(history) == "History of 2 of 9 epochs, stopped: interrupted"
    assert not model.training and len(evaluation.predict(model, tiny_dataset()).labels) == 24


def test_named_net_is_the_one_that_ready_returns(capsys, monkeypatch):
    monkeypatch.setattr(models.trained, "_kept", {})
    model = tiny_net()
    training.fit(model, tiny_dataset(), epochs=1, name="mine")
    assert models.ready("mine") is model
    assert "mine: the net that you trained in this notebook" in capsys.readouterr().out


def test_exploding_loss_ends_in_advice():
    model = tiny_net()
    with pytest.raises(
        ValueError, match="The loss became (nan|inf) in .*tenth of the learning rate"
    ):
        training.fit(
            model,
            tiny_dataset(),
            epochs=3,
            batch_size=4,
            optimizer=torch.optim.SGD(model.parameters(), lr=1e30),
        )


# --- frozen means frozen ---


def test_frozen_net_learns_only_in_its_head_and_its_statistics_stay():
    model = transfer.freeze(tiny_net())
    before = weights(model)
    training.fit(model, tiny_dataset(), epochs=2)
    assert transfer.changed(before, model.state_dict()) == ["5.weight", "5.bias"]


def test_net_that_learns_everywhere_also_moves_its_statistics():
    model = tiny_net()
    before = weights(model)
    training.fit(model, tiny_dataset(), epochs=1)
    assert set(transfer.changed(before, model.state_dict())) == set(before)


# --- what is refused ---


def test_wrong_number_of_classes_is_told_with_the_cure():
    with pytest.raises(
        ValueError, match="answers with 5 scores, but tiny has 3 classes. Build it with classes=3"
    ):
        training.fit(tiny_net(classes=5), tiny_dataset(), epochs=1)


def test_wrong_channels_are_told_with_the_shape():
    with pytest.raises(
        ValueError, match=r"cannot read pictures of shape \(3, 8, 8\) \(channels, height, width\)"
    ):
        training.fit(tiny_net(channels=1), tiny_dataset(channels=3), epochs=1)


def test_learning_rate_and_optimizer_together_are_refused():
    model = tiny_net()
    with pytest.raises(ValueError, match="a learning_rate or an optimizer, not both"):
        training.fit(
            model,
            tiny_dataset(),
            epochs=1,
            learning_rate=0.1,
            optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
        )


def test_patience_without_a_validation_set_is_refused():
    with pytest.raises(ValueError, match="validation=..."):
        training.fit(tiny_net(), tiny_dataset(), epochs=1, patience=2)
