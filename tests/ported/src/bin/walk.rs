//! `walkdir` over a tree: the path and the size of each file, in the order of their names.

fn main() {
    let root = std::env::args().nth(1).expect("walk FOLDER");
    for entry in walkdir::WalkDir::new(root).sort_by_file_name() {
        let entry = entry.expect("it can be read");
        if entry.file_type().is_file() {
            println!("{} {}", entry.path().display(), entry.metadata().expect("it has a size").len());
        }
    }
}
