import LockstepEngine

/// For parameters whose values a test sets itself.
struct Zeros: Initializer {
  func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) { values.update(repeating: 0) }
}
