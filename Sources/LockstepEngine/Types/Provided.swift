/// What the package brings of losses, metrics, initializers, clips and other transforms, by names that begin
/// with a dot.
///
/// ```swift
/// Linear(64, weightInitializer: .heNormal())
/// Chain(.clipByGlobalNorm(1), .scaleByAdam(), .scaleByLearningRate(1e-3))
/// ```
///
/// It has no values. The protocols' extensions name it, since Swift looks for `.heNormal()` in the extension
/// of a protocol for one type.
public enum Provided: Sendable {}

extension Provided: Initializer {
  public func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) {}
}
