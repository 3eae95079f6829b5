use crate::offline::tests::{found, offline};

#[test]
fn expressions_are_found_in_any_inflection_and_with_words_between() {
    let model = offline();
    let table: &[(&str, &[&str])] = &[
        ("You gave it up.", &["give something up"]),
        ("He's giving up smoking.", &["give something up"]),
        ("I’ve given the whole thing up, sorry.", &["give something up"]),
        ("SHE GAVE UP!", &["give something up"]),
        ("I gave/up yesterday.", &["give something up"]),
        ("I gave.../...up too soon.", &["give something up"]),
        ("He kept his word.", &["keep one's word"]),
        ("Did the old man's son keep his father's word?", &["keep one's word"]),
        ("She was just pulling Tom's leg.", &["pull somebody's leg"]),
        ("I couldn't get Tom Baker's name across.", &["get something across"]),
        ("Could you give my brother a hand?", &["give somebody a hand"]),
        ("We've come up with a plan.", &["come up with something"]),
        ("Keep a close eye on him.", &["keep an eye on something"]),
        ("You'd better go.", &["had better do something"]),
        ("I'm looking forward to it.", &["look forward to something"]),
        ("So far so good.", &["so far, so good"]),
        ("I'm gonna freak out.", &["freak out"]),
        ("I'll back you up.", &["back somebody up"]),
        ("Hold on a second.", &["hold on"]),
        ("What's going on here?", &["what's going on"]),
        ("He went on talking.", &["go on"]),
        ("Get on the bus.", &["get on something"]),
        ("I don't feel like talking.", &["feel like doing something"]),
        ("So what? I know.", &["so what?"]),
        ("I turned up the old radio.", &["turn something up"]),
        ("We ran into your brother at the house.", &["run into somebody"]),
        ("She made up her mind.", &["make up one's mind"]),
        ("He made his mind up.", &["make up one's mind"]),
    ];
    for (text, expected) in table {
        assert_eq!(found(model, text), *expected, "{text}");
    }
}

#[test]
fn words_that_only_stand_near_each_other_are_no_expression() {
    let model = offline();
    for text in [
        "I give. Up there it is cold.",
        "- Will you give? - Up there.",
        "I give / [door opens] / up there",
        "He put the book on the table.",
        "Take him and get the dog, out you go.",
        "Give what you have to the man up the road.",
        "Give me the long red rope that lies up there.",
        "I went on the bus.",
        "The give, up close, is small.",
        "He told us to wait.",
        "Her make-up is great.",
        "Give, up, in.",
        "TOM: Give / ANN: Up!",
        "♪ I gave it up ♪",
        "So what we need is time.",
        "Come up here. I came over there.",
        "I'll see you out there. He went over to them.",
        "Hold out your hand. He threw me out the window.",
        "He was my guest and broke a leg.",
        "This knife was used to kill.",
        "I feel like a fool.",
        "The words we are using to talk.",
        "It passes him back up there.",
        "We make a thing called love.",
        "They went right back up.",
        "They turned up the street. He ran into our old house.",
        "She ran down the stairs and looked into the room.",
    ] {
        assert_eq!(found(model, text), Vec::<String>::new(), "{text}");
    }
}
