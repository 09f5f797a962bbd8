"""The training loop: what it learns, what it repeats, and how it ends."""

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import normalised, tiny_dataset, tiny_net
from torch import nn

from workshop_utils import data, evaluation, models, plots, training, transfer


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


def rare() -> data.ImageDataset:
    """40 pictures of class a, 4 of b, which overlap."""
    dataset = tiny_dataset(40, classes=2)
    dataset.images = (dataset.images // 4 + 60).to(torch.uint8)
    return dataset.subset([*range(0, 80, 2), 1, 3, 5, 7])


def test_balanced_loss_is_the_weighted_cross_entropy_of_the_textbook():
    dataset, twin = rare(), tiny_net(classes=2)
    (one,) = training.fit(
        tiny_net(classes=2), dataset, epochs=1, batch_size=len(dataset), balanced=True
    ).loss
    each = F.cross_entropy(twin(normalised(dataset)), dataset.labels, reduction="none")
    a, b = (each[dataset.labels == label].mean().item() for label in (0, 1))
    assert one == pytest.approx((a + b) / 2, abs=1e-5)


def test_rare_class_is_found_more_often_by_a_balanced_net():
    found = []
    for balanced in (False, True):
        net = tiny_net(classes=2)
        training.fit(net, rare(), epochs=10, batch_size=44, learning_rate=0.01, balanced=balanced)
        found.append(evaluation.evaluate(evaluation.predict(net, rare())).per_class[1].recall)
    assert found[1] > found[0]


def test_balance_of_a_class_without_a_picture_spoils_nothing():
    only, net = rare().subset(range(40)), tiny_net(classes=2)
    (one,) = training.fit(net, only, epochs=1, batch_size=40, balanced=True).loss
    (other,) = training.fit(tiny_net(classes=2), only, epochs=1, batch_size=40).loss
    assert one == pytest.approx(other)


def test_net_knows_what_it_learned_from_and_no_older_score():
    net, dataset = tiny_net(), tiny_dataset()
    net.about, net.left_out = models.About(right=3, judged=4), "older answers"
    training.fit(net, dataset, epochs=1)
    assert net.about == models.About(source="tiny, train, memory", pictures=(8, 8, 8))
    assert net.left_out is None


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
    said, heading, *rows = repr(history).splitlines()
    assert said == "History of 2 of 9 epochs, stopped: interrupted"
    assert heading.split("  ")[0] == "epoch" and [row.split()[0] for row in rows] == ["1", "2"]
    assert not model.training and len(evaluation.predict(model, tiny_dataset()).labels) == 24


def test_named_net_is_the_one_that_ready_returns(capsys, monkeypatch):
    monkeypatch.setattr(models.weights, "kept", {})
    model = tiny_net()
    training.fit(model, tiny_dataset(), epochs=1, name="mine")
    lent = models.ready("mine")  # a copy: whoever trains it further leaves this one alone
    assert lent is not model and not transfer.changed(lent.state_dict(), model.state_dict())
    assert "mine: the net that you trained in this notebook" in capsys.readouterr().out


@pytest.fixture
def good(monkeypatch):
    """A kernel that keeps a net with 90 % right under the name mine."""
    monkeypatch.setattr(models.weights, "kept", {})
    models.keep("mine", net := tiny_net(), accuracy=0.9, about="~90.0 % of the pictures right")
    return net


def is_kept(net: nn.Module) -> bool:
    return models.weights.kept["mine"].net is net


def test_rate_that_spoils_the_net_leaves_the_better_one_to_later_cells(good, capsys):
    spoilt = tiny_net()
    training.fit(spoilt, tiny_dataset(), epochs=1, learning_rate=0.0, name="mine")
    assert is_kept(good) and "later cells do not use this net (~" in capsys.readouterr().out
    models.keep("mine", spoilt)  # as the sentence says
    assert is_kept(spoilt)


def test_name_of_a_net_of_the_course_goes_to_a_net_as_good_and_not_to_a_bad_one(
    monkeypatch, capsys
):
    monkeypatch.setattr(models.weights, "kept", {})
    models.keep("lenet-mnist", tiny_net(), accuracy=0.1, about="~10.0 % right")
    assert (
        not models.weights.kept
        and "they keep the better one, with ~96.9 % right" in capsys.readouterr().out
    )
    models.keep("lenet-mnist", tiny_net(), accuracy=0.93)
    assert "lenet-mnist" in models.weights.kept


def stopping_after(epochs: int):
    def stop(history):
        if len(history.loss) == epochs:
            raise KeyboardInterrupt

    return stop


def test_net_that_was_interrupted_is_kept_for_what_it_reached_and_ready_says_so(
    monkeypatch, capsys
):
    monkeypatch.setattr(models.weights, "kept", {})
    history = training.fit(
        tiny_net(), tiny_dataset(), epochs=9, on_epoch=stopping_after(2), name="mine"
    )
    models.ready("mine")
    said = f"~{100 * history.accuracy[-1]:.1f} % of the training pictures right, interrupted after 2 of 9 epochs."
    assert capsys.readouterr().out.endswith(f"you trained in this notebook, {said}\n")


def test_net_without_a_finished_epoch_takes_no_better_ones_place(good, capsys):
    def stop(batch):
        raise KeyboardInterrupt

    history = training.fit(tiny_net(), tiny_dataset(), epochs=3, augment=stop, name="mine")
    assert is_kept(good) and "interrupted after 0 of 3 epochs" in capsys.readouterr().out
    # and what comes next in a notebook works: it is shown, drawn, evaluated
    assert "History of 0 of 3 epochs" in history._repr_mimebundle_()["text/html"]
    assert "No epoch was finished" in plots.curves(history).description
    plots.curves(history, earlier=[history]).png()


def test_accuracy_that_is_kept_is_that_of_the_best_epoch_where_the_net_went_back_to_it(monkeypatch):
    monkeypatch.setattr(models.weights, "kept", {})
    net, dataset = tiny_net(), tiny_dataset()
    options = {"validation": dataset, "patience": 3, "learning_rate": 0.5}
    training.fit(net, dataset, epochs=30, name="mine", **options)
    found = evaluation.evaluate(evaluation.predict(net, dataset)).accuracy
    assert models.weights.kept["mine"].accuracy == pytest.approx(found)


def test_history_is_a_table_of_its_epochs_and_of_validation_where_there_is_some():
    history = training.fit(tiny_net(), tiny_dataset(), epochs=2, validation=tiny_dataset())
    bundle = history._repr_mimebundle_()
    assert bundle["text/plain"] == "History of 2 of 2 epochs"
    assert bundle["text/html"].startswith('<table class="measured"><caption>History of 2')
    assert f"{history.validation_loss[1]:.3f}" in bundle["text/html"].split("<tr>")[-1]
    history.validation_loss.pop()  # as after an interrupt
    assert len(repr(history).splitlines()) == 4


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


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        *(({"epochs": value}, f"epochs is {value}: give a whole") for value in (0, -1, 2.5, True)),
        ({"batch_size": 0}, "batch_size is 0: give a whole"),
        ({"batch_size": 2.5}, "batch_size is 2.5: give a whole"),
        ({"patience": 0, "validation": tiny_dataset()}, "patience is 0: give a whole"),
        ({"seed": None}, "seed is None: give a whole"),
        *(
            ({"learning_rate": rate}, "learning_rate is .*: give a number such as 0.001")
            for rate in (-1, float("nan"), float("inf"), "0.1", True)
        ),
        ({"optimizer": torch.optim.Adam}, "fit steps an optimizer"),
        ({"optimizer": "adam"}, "fit steps an optimizer"),
        ({"schedule": "cosine"}, "schedule is a function"),
        ({"schedule": lambda optimizer, steps: None}, "schedule is a function"),
        (
            {"schedule": lambda o, steps: torch.optim.lr_scheduler.ReduceLROnPlateau(o)},
            "needs no more words",
        ),
        (
            {"schedule": lambda optimizer: None},
            "cannot be called so: .* takes 1 positional argument",
        ),
        ({"schedule": torch.optim.lr_scheduler.OneCycleLR}, "cannot be called so: You must define"),
        ({"augment": "flip"}, "augment is a function of a float batch, and this is 'flip'"),
        ({"augment": lambda images: None}, "as many; this one gives NoneType for 24"),
        ({"augment": lambda images: images.numpy()}, "this one gives ndarray for 24"),
        ({"augment": lambda images: images[0]}, "this one gives Tensor for 24"),
        ({"name": 3}, "The name to keep a net under is text, such as 'lenet'; this is 3"),
        ({"validation": tiny_dataset(classes=4)}, "answers with 3 scores, but tiny has 4"),
        ({"validation": tiny_dataset(channels=3)}, "cannot read pictures"),
        ({"validation": tiny_dataset().subset([])}, "nothing to read"),
        ({"validation": list(tiny_dataset())}, "ImageDataset, and this is a list"),
    ],
)
def test_what_fit_cannot_use_is_refused_before_the_net_changes(wrong, sentence):
    model = tiny_net()
    before = weights(model)
    with pytest.raises(ValueError, match=sentence):
        training.fit(model, tiny_dataset(), **{"epochs": 1, **wrong})
    assert same(before, weights(model))


def test_empty_set_is_nothing_to_learn_from():
    with pytest.raises(ValueError, match="nothing to read: tiny"):
        training.fit(tiny_net(), tiny_dataset().subset([]), epochs=1)


def turned(dataset):
    return type(dataset)(dataset.images, dataset.labels, dataset.classes[::-1], name="turned")


def test_classes_in_another_order_are_refused_in_validation_and_by_a_net_that_knows_its_own():
    model = tiny_net()
    with pytest.raises(ValueError, match="in their order: c, b, a, and not a, b, c"):
        training.fit(model, tiny_dataset(), validation=turned(tiny_dataset()), epochs=1)
    model.classes = tiny_dataset().classes
    training.fit(model, tiny_dataset(), epochs=1)
    with pytest.raises(ValueError, match="another order, a, b, c, than turned, c, b, a"):
        training.fit(model, turned(tiny_dataset()), epochs=1)


def test_set_of_one_class_has_nothing_to_tell_apart():
    with pytest.raises(ValueError, match="tiny has 1 class"):
        training.fit(tiny_net(classes=1), tiny_dataset(classes=1), epochs=1)


@pytest.mark.parametrize("bare", [False, True], ids=["frozen", "without weights"])
def test_net_in_which_nothing_can_learn_is_told_so(bare):
    model = transfer.freeze(tiny_net(), keep_head=False)
    if bare:
        model = nn.Sequential(nn.AdaptiveAvgPool2d((1, 3)), nn.Flatten())
    with pytest.raises(ValueError, match="Nothing in this net can learn"):
        training.fit(model, tiny_dataset(), epochs=1)


def test_optimizer_of_another_net_or_of_layers_that_were_replaced_is_refused():
    model, other = tiny_net(), tiny_net()
    for parts in (other.parameters(), [*other[5].parameters(), *model[0].parameters()]):
        with pytest.raises(ValueError, match="moves .* tensors that are not the net's"):
            optimizer = torch.optim.SGD(parts, lr=0.1)
            training.fit(model, tiny_dataset(), epochs=1, optimizer=optimizer)
    head = torch.optim.SGD(model[5].parameters(), lr=0.1)  # a part of the net is a choice
    assert not training.fit(model, tiny_dataset(), epochs=1, optimizer=head).stopped


def test_optimizer_that_wants_a_closure_is_refused():
    model = tiny_net()
    with pytest.raises(ValueError, match="fit steps an optimizer without more words"):
        optimizer = torch.optim.LBFGS(model.parameters())
        training.fit(model, tiny_dataset(), epochs=1, optimizer=optimizer)


def test_auxiliary_answers_in_training_are_refused_with_the_cure():
    class TwoHeads(nn.Sequential):
        def forward(self, x):
            return (super().forward(x), None) if self.training else super().forward(x)

    with pytest.raises(ValueError, match="answers with tuple.*aux_logits=False"):
        training.fit(TwoHeads(*tiny_net()), tiny_dataset(), epochs=1)


# --- a picture left alone ---


def normalised_net():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))


@pytest.mark.parametrize(
    "count, size, cure",
    [(9, 8, "Try batch_size=9"), (9, 4, "=5"), (7, 1, "=4"), (1, 8, "Take two")],
)
def test_picture_left_alone_is_told_before_the_first_batch(count, size, cure):
    with pytest.raises(ValueError, match=f"leave one alone.*{cure}"):
        training.fit(normalised_net(), tiny_dataset()[:count], epochs=1, batch_size=size)


def test_picture_left_alone_does_no_harm_where_nothing_is_normalised_over_it():
    for model in (tiny_net(), transfer.freeze(normalised_net())):
        assert training.fit(model, tiny_dataset()[:9], epochs=1, batch_size=8).loss


# --- what goes wrong on the way ---


def test_loss_that_is_no_number_leaves_the_weights_as_they_were():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    before = weights(model)
    with pytest.raises(ValueError, match="The loss became nan"):
        training.fit(model, tiny_dataset(), epochs=1, augment=lambda images: images * torch.nan)
    assert same(before, weights(model)) and not model.training


def test_best_weights_are_put_back_after_an_error_too_and_a_loss_of_nan_is_never_best():
    model, states = tiny_net(), []

    def spoil(history):
        states.append(weights(model))
        if len(states) == 1:
            history.validation_loss[0] = float("nan")  # as of a net that overflows
        if len(states) == 4:
            raise RuntimeError("somebody's own function")

    with pytest.raises(RuntimeError, match="somebody's"):
        training.fit(
            model, tiny_dataset(), validation=tiny_dataset(), epochs=9, patience=9, on_epoch=spoil
        )
    assert any(same(weights(model), state) for state in states[1:]) and not model.training


@pytest.mark.parametrize("where", ["training", "validation"])
def test_interrupt_in_the_first_epoch_leaves_a_net_and_a_history(where):
    class Stopped(nn.Sequential):
        def forward(self, x):
            if len(x) == 4 and self.training == (where == "training"):
                raise KeyboardInterrupt
            return super().forward(x)

    model = Stopped(*tiny_net())
    history = training.fit(
        model, tiny_dataset(), validation=tiny_dataset()[:4], epochs=2, batch_size=20, patience=1
    )
    assert history.stopped == "interrupted" and not history.validation_loss
    assert len(history.loss) == (where == "validation") and not model.training


def test_one_cycle_starts_again_from_the_top_and_from_a_rate_that_was_set_since():
    model = tiny_net()
    groups = [{"params": model[5].parameters(), "lr": 1e-2}, {"params": model[0].parameters()}]
    optimizer, seen = torch.optim.SGD(groups, lr=1e-3), []

    def run():
        seen.clear()
        training.fit(
            model,
            tiny_dataset(),
            epochs=4,
            batch_size=6,
            optimizer=optimizer,
            schedule=training.one_cycle,
            augment=lambda x: seen.append([group["lr"] for group in optimizer.param_groups]) or x,
        )
        return [max(rates) for rates in zip(*seen)]

    assert run() == run() == pytest.approx([1e-2, 1e-3])
    optimizer.param_groups[0]["lr"] = 5e-3
    assert run() == pytest.approx([5e-3, 1e-3])


def test_schedule_of_any_kind_leaves_the_optimizer_with_its_own_rates():
    model = tiny_net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.5)
    had = {name: value for name, value in optimizer.param_groups[0].items() if name != "params"}
    for schedule in (
        lambda optimizer, steps: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps),
        lambda optimizer, steps: torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, steps),
    ):
        before = weights(model)
        training.fit(model, tiny_dataset(), epochs=2, optimizer=optimizer, schedule=schedule)
        assert not same(before, weights(model))
        (group,) = optimizer.param_groups
        assert {name: value for name, value in group.items() if name != "params"} == had
        assert len(group["params"]) == len(list(model.parameters()))


@pytest.mark.parametrize("steps", range(1, 9))
def test_one_cycle_of_few_steps_learns_with_its_rate(steps):
    optimizer = torch.optim.SGD(tiny_net().parameters(), lr=0.1)
    scheduler, rates = training.one_cycle(optimizer, steps), []
    for _ in range(steps):
        rates += scheduler.get_last_lr()
        optimizer.step()
        scheduler.step()
    assert max(rates) == pytest.approx(0.1, rel=0.1)


def test_net_that_ends_in_softmax_is_told():
    with pytest.warns(UserWarning, match="answers with probabilities, .* leave it out"):
        training.fit(tiny_net().append(nn.Softmax(1)), tiny_dataset(), epochs=1)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="The net answers with probabilities")
        training.fit(tiny_net(), tiny_dataset(), epochs=1)


def test_rate_may_be_a_number_of_numpy():
    history = training.fit(tiny_net(), tiny_dataset(), epochs=1, learning_rate=np.float32(0.01))
    assert history.loss


@pytest.mark.parametrize(
    "layer",  # made in the test: one that an earlier run has moved is another layer
    [
        lambda: nn.BatchNorm2d(4, affine=False),
        lambda: nn.InstanceNorm2d(4, track_running_stats=True),
        lambda: nn.InstanceNorm2d(4, affine=True, track_running_stats=True),
        lambda: nn.utils.parametrizations.spectral_norm(nn.Conv2d(4, 4, 1)),
    ],
    ids=["batch", "instance", "affine instance", "spectral"],
)
def test_statistics_of_frozen_layers_of_any_kind_stay_and_those_of_learning_ones_move(layer):
    model = nn.Sequential(nn.Conv2d(1, 4, 3), layer(), nn.Flatten(), nn.Linear(144, 3))
    before = weights(transfer.freeze(model))
    training.fit(model, tiny_dataset(), epochs=1)
    assert transfer.changed(before, model.state_dict()) == ["3.weight", "3.bias"]
    training.fit(transfer.unfreeze(model, batchnorm=True), tiny_dataset(), epochs=1)
    assert any(name.startswith("1.") for name in transfer.changed(before, model.state_dict()))


def test_learning_layer_inside_of_a_frozen_one_with_statistics_stays_in_training():
    class Outer(nn.Sequential):
        def __init__(self):
            super().__init__(nn.Flatten(), nn.Dropout(), nn.Linear(64, 3))
            self.token = nn.Parameter(torch.zeros(1), requires_grad=False)
            self.register_buffer("table", torch.zeros(1))

    model, modes = Outer(), []
    model[1].register_forward_hook(lambda layer, *_: modes.append(layer.training))
    training.fit(model, tiny_dataset(), epochs=1)
    assert modes[-1]
