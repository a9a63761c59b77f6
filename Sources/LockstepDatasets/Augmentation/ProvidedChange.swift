public import LockstepEngine

extension Provided: InputTransform {
  public var description: String { switch self {} }
  public func problem(with inputShape: [Int]) -> String? { switch self {} }
  public func apply(
    to values: inout MutableSpan<Float>, of input: ExampleInput, random: inout CounterGenerator
  ) throws {}
}
