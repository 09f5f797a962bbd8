"""The ten questions at the end, of all three chapters: what was learned there, in other situations and in another order."""

from workshop_utils.exercises.kit import Chapter

EXERCISES = Chapter()

EXERCISES.question(
    "4.1",
    "Bright snow",
    right="D",
    hints=("From which number is the map made?", "What would you have to do to be sure?"),
    mistake="B: without the snow it would say otherwise. The map alone does not show that",
    nudge="What did the map measure, and what did nobody try yet?",
    A="The net was given one word for a whole picture. It was never told which part of it is the husky, so it cannot mix up the two.",
    B="It may, or it may not: the map shows where the score comes from, not what happens without it. Cover the snow and ask again.",
    C="The probability says how sure a net is; a map is made for any class, sure or not.",
    D="A map is a reason to try something, no result. A set with huskies on grass, or a covered corner, is one.",
)

EXERCISES.question(
    "4.2",
    "Films of a bird feeder",
    right="B",
    hints=("What must never be on both sides?", "How different are two frames of one film?"),
    mistake="C: the end of each film seems new. It has the same bird and the same branch",
    nudge="What does the net know about a test frame whose film it has seen?",
    A="Then nearly every test frame has a twin in training. More frames make more twins.",
    B="What belongs together stays together. The same holds for patients, places and cameras.",
    C="The last frames show the same bird on the same branch in the same light: the net has seen them.",
    D="Then the test asks for species that it was never told of.",
)

EXERCISES.question(
    "4.3",
    "Fifty layers, and worse",
    right="C",
    hints=("On which pictures is it worse: those it learned from?", "What did ResNet's block add?"),
    mistake="B: overfitting. Then it would be better on the training pictures",
    nudge="Is it worse on new pictures, or on those that it learned from?",
    A="Even on the pictures that it has it is worse. More of them do not help a net that cannot fit these.",
    B="A net that overfits is good on its training pictures. This one is bad there.",
    C="With x + f(x) a block can pass its input on, so that a deeper net can do what the shallower one did, and gradients reach the first layers.",
    D="It has more than the net of 20 layers, and could do the same with 30 layers that change nothing. It does not find that.",
)

EXERCISES.question(
    "4.4",
    "95 % of the lungs",
    right="C",
    hints=("What would a net score that always says 'healthy'?", "How many pictures show illness?"),
    mistake="D: whether 1,000 are enough. They are, for a number that says nothing",
    nudge="How often is somebody right who has not looked at all?",
    A="However long: 95 % may still be 'healthy' each time.",
    B="A net that says 'healthy' each time, with 0.95, has a low one too.",
    C="Always 'healthy' is right for 950 of 1,000 as well. Recall of the ill is what differs.",
    D="They give 95 %, about 1.4 points more or less. How exact it is does not tell what it hides.",
)

EXERCISES.question(
    "4.5",
    "Alone and in company",
    right="A",
    hints=("Which layers look at the other pictures of a batch?", "Do they do so in both modes?"),
    mistake="D: rounding. It moves the seventh digit, not the answer",
    nudge="In which mode does a layer look at the neighbours of a picture?",
    A="In training mode batch normalisation takes mean and spread of the batch at hand, so neighbours count. eval() takes those it kept.",
    B="Weights are drawn once, when a net is made, and stay until an optimizer's step.",
    C="In any order a batch has the same mean and spread. What counts is which pictures are in it.",
    D="Rounding changes the seventh digit or so. Whole answers do not turn over by it.",
)

EXERCISES.question(
    "4.6",
    "Twelve pictures of each mushroom",
    right="B",
    hints=(
        "How many numbers has each way to find, and from how many pictures?",
        "Which weights know fur, stalks and edges already?",
    ),
    mistake="D: collect first. Without a first score nobody knows how many are needed",
    nudge="What can you have in ten minutes, to compare all else with?",
    A="Eleven million numbers from 72 pictures: augmentation makes them look different, not more.",
    B="Only the head is new, it is fitted in seconds, and its score says whether more pictures or more training are worth it.",
    C="Steps as long as those of a new net destroy what it knows, before it has learned anything.",
    D="Perhaps you need them. Begin with what you have: the curve from two to twelve a class says what more would bring.",
)

EXERCISES.question(
    "4.7",
    "Shadows in the field",
    right="D",
    hints=("Where do test and field differ?", "What did the net never see?"),
    mistake="A: keep the sure answers. It may be as sure where it is wrong",
    nudge="What is on the photographs that was on none of the scans?",
    A="What it never saw it cannot doubt: it may be as sure of a shadow as of a stroke.",
    B="More passes over clean scans make it better at clean scans.",
    C="More weights hold nothing about shadows that were not there.",
    D="Test and training have to look like the place of work. A few hundred such photographs, labelled, with some kept for a new test.",
)

EXERCISES.question(
    "4.8",
    "The colleague's preprocessing",
    right="C",
    hints=(
        "Does anything check which numbers come in?",
        "For which numbers were the weights made?",
    ),
    mistake="A: an error. Shapes and types are right, so nobody complains",
    nudge="Who would notice: PyTorch, or somebody who knows the score?",
    A="Shapes and types are right, so nothing is raised. That is the danger.",
    B="The weights were made for numbers of another mean and spread; so the answers get worse.",
    C="So send the preprocessing along with the weights, and a picture with its right answer to try.",
    D="Most of what a net sees is contrast between neighbours, and that survives. It is worse, and not blind.",
)

EXERCISES.question(
    "4.9",
    "Half a point",
    right="A",
    hints=("Half a point of 400 pictures are how many?", "What would a coin do?"),
    mistake="B: the higher one. It is two pictures higher",
    nudge="How many pictures are half a point of 400?",
    A="Two pictures are no reason. Cost, size and what the errors are may be one; more pictures would decide.",
    B="Half a point of 400 are two pictures. If only these two differ, a fair coin gives such a split in every second case.",
    C="The best of ten, chosen on the test pictures, looks better than it is: they are used up then.",
    D="It is a mean over the same 400 pictures, with chance in it too. Look at it; it does not settle this.",
)

EXERCISES.question(
    "4.10",
    "A shoe with rust",
    right="B",
    hints=("Which answers can it give at all?", "To what do they add up?"),
    mistake="C: calibrate. That makes honest what it says of leaves, not of shoes",
    nudge="Which of its four answers would be right for a shoe?",
    A="Nothing is broken. Every picture gets one of the four, for there is nothing else.",
    B="Give it a class 'something else' with many kinds of pictures, or refuse low probabilities, and know that some strangers still pass.",
    C="Calibration is measured on leaves. Of shoes it promises nothing.",
    D="It fits leaves more closely then. There is still no answer for what is no leaf.",
)
