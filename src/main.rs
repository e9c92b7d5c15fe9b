fn main() {
    println!("simverify {}", env!("CARGO_PKG_VERSION"));
}
