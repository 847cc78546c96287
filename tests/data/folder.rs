//! Images sorted into folders.

use std::fs;
use std::path::Path;

use warpsmith::data::ImageFolder;

fn touch(root: &Path, names: &[&str]) {
    for name in names {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
}

#[test]
fn classes_are_folders_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let names = ["dog/b.JPEG", "cat/1.png", "cat/more/0.jpg", "dog/a.jpg"];
    touch(root, &names);
    touch(
        root,
        &["labels.txt", "cat/notes.txt", ".hidden/x.jpg", "dog/.x.jpg"],
    );
    let found = ImageFolder::new(root).unwrap();
    assert_eq!(found.classes(), ["cat", "dog"]);
    let samples = found.samples().iter();
    let samples: Vec<_> = samples
        .map(|(path, class)| (path.strip_prefix(root).unwrap().to_str().unwrap(), *class))
        .collect();
    let want = [
        ("cat/1.png", 0),
        ("cat/more/0.jpg", 0),
        ("dog/a.jpg", 1),
        ("dog/b.JPEG", 1),
    ];
    assert_eq!(samples, want);
    let (kept, held_out) = found.split(2).unwrap();
    assert_eq!(
        kept.samples(),
        [found.samples()[0].clone(), found.samples()[2].clone()]
    );
    assert_eq!(
        held_out.samples(),
        [found.samples()[1].clone(), found.samples()[3].clone()]
    );
    assert_eq!(held_out.classes(), found.classes());
    assert!(
        found
            .split(1)
            .unwrap_err()
            .to_string()
            .contains("every second")
    );
}

#[test]
fn folders_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let says = |path: &Path, words: [&str; 2]| {
        let text = ImageFolder::new(path).unwrap_err().to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    };
    says(
        &folder.path().join("nowhere"),
        ["nowhere", "a folder to read"],
    );
    says(folder.path(), ["a folder for each class", "none"]);
    touch(folder.path(), &["cat/a.jpg", "dog/a.txt"]);
    says(folder.path(), ["dog", "images of a class"]);
}
