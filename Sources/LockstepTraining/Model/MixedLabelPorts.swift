import LockstepDatasets
import LockstepEngine
import LockstepLayers

/// Where a lane takes the labels of the examples that are mixed into others, and the shares of the
/// others' own.
struct MixedLabelPorts {
  private let labels: UnsafeMutableRawBufferPointer
  private let shares: UnsafeMutableBufferPointer<Float>

  /// Nil where the lane's loss takes no mixed labels.
  init?(_ lane: Lane) {
    guard let labels = lane.input(MixedLabels.labelInput),
      let shares = lane.input(MixedLabels.shareInput)
    else { return nil }
    self.labels = labels
    self.shares = shares.bindMemory(to: Float.self)
  }

  /// Copies the labels and the shares of some examples.
  func load(_ draws: [ExampleMixing.Draw], of source: any ExampleSource) throws {
    guard let field = source.labelFields.first, draws.count == shares.count else {
      throw GraphError("'\(source.name)' has no labels to mix")
    }
    for (place, draw) in draws.enumerated() { shares[place] = draw.share }
    let partners = draws.map(\.partner)
    if field.isInteger {
      try source.read(field, of: partners[...], into: labels.bindMemory(to: Int32.self))
    } else {
      try source.read(field, of: partners[...], into: labels.bindMemory(to: Float.self))
    }
  }

  /// Fills the lane with made-up labels.
  func fill(labels field: ExampleField?) {
    for place in shares.indices { shares[place] = Float(place % 4) / 4 }
    if field?.isInteger ?? false {
      let values = labels.bindMemory(to: Int32.self)
      for place in values.indices { values[place] = Int32(place % max(field?.limit ?? 2, 1)) }
    } else {
      let values = labels.bindMemory(to: Float.self)
      for place in values.indices { values[place] = Float(place % 2) }
    }
  }
}
