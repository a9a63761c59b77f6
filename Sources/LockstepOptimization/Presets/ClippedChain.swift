extension Chain {
  /// The chain behind a clip by the global norm: ĝ = g · min(1, c / ‖g‖).
  public func clipped(globalNorm limit: Double) -> Chain { Chain(ClipByGlobalNorm(limit)) + self }

  /// The chain behind a clip of each value: ĝᵢ = min(max(gᵢ, −c), c).
  public func clipped(value limit: Double) -> Chain { Chain(ClipByValue(Float(limit))) + self }
}
