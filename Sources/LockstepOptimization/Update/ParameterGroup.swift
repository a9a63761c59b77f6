/// Tensors, chosen by name, whose learning rate or weight decay differs from the rest.
public struct ParameterGroup: Sendable, Equatable {
  /// The dotted names it holds for; `*` stands for any run of characters, `?` for one.
  public let pattern: String
  /// Multiplies the learning rate.
  public let learningRate: Double
  /// Multiplies the weight decay; 0 turns it off.
  public let weightDecay: Double

  public init(_ pattern: String, learningRate: Double = 1, weightDecay: Double = 1) {
    self.pattern = pattern
    self.learningRate = learningRate
    self.weightDecay = weightDecay
  }

  /// Whether a name belongs to the group.
  public func contains(_ name: String) -> Bool {
    Self.matches(Array(pattern.utf8)[...], Array(name.utf8)[...])
  }

  private static func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
    guard let head = pattern.first else { return name.isEmpty }
    let rest = pattern.dropFirst()
    if head == UInt8(ascii: "*") {
      return (name.startIndex...name.endIndex).contains { matches(rest, name[$0...]) }
    }
    guard let character = name.first else { return false }
    return (head == UInt8(ascii: "?") || head == character) && matches(rest, name.dropFirst())
  }
}
