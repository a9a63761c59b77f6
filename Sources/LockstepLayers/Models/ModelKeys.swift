import LockstepCatalog
import LockstepFiles

// Keys that several models have.

extension Hyperparameter {
  static var classes: Self { .with("classes", .size, 10, "the number of outputs") }
  static var vocabulary: Self {
    .required("vocabulary", .integer(1...1 << 20), "the number of tokens that there are")
  }
  static func channels(_ value: JSONValue, count: ClosedRange<Int>, _ summary: String) -> Self {
    .with("channels", .integers(1...Int(Int32.max), count: count), value, summary)
  }
}
