import LockstepEngine

extension LayerScope {
  /// The number of channels of a convolution's input [N, C, L] or [N, C, H, W].
  ///
  /// - Parameters:
  ///   - rank: the number of axes that the input must have.
  ///   - inChannels: the number of channels that it must have; nil for any.
  ///   - groups: the parts that input and output channels are cut into.
  /// - Returns: nil after failing the trace, where input, channels and groups do not fit each other.
  func channels(
    of input: Tensor, _ rank: Int, _ inChannels: Int?, _ outChannels: Int, groups: Int
  ) -> Int? {
    let shape = input.shape
    guard
      require(
        shape.count == rank,
        "expects an input [N, C, \(rank == 3 ? "L" : "H, W")], got \(shape)")
    else { return nil }
    let channels = shape[1]
    guard
      require(outChannels > 0, "outChannels must be positive, got \(outChannels)"),
      require(
        channels == inChannels ?? channels,
        "expects \(inChannels ?? 0) channels, the input \(shape) has \(channels)"),
      require(
        groups > 0 && channels % groups == 0 && outChannels % groups == 0,
        "\(groups) groups do not divide \(channels) input and \(outChannels) output channels")
    else { return nil }
    return channels
  }
}
