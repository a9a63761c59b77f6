/// When the factors of a batch's gradients are there, have travelled, and have been multiplied.
///
/// A rank's passes take their time from map to map by the maps' weights: all of them forwards, and back
/// all but the first, which has no gradient to hand on. An x is there before its map's forward pass, a dy
/// before its backward one. Factors leave in that order, one after the other. When the passes are over
/// the products follow, the last map's first, each when both of its factors have arrived.
package struct FactorTimeline: Sendable {
  /// A linear map whose gradient is made of factors.
  package struct Map: Sendable {
    let shape: LinearMapShape
    /// The bytes of x on the busiest link; 0 where all nodes have it.
    let inputBytes: Double
    /// The bytes of dy on the busiest link.
    let gradientBytes: Double
    /// The seconds of the product on a rank.
    let product: Double

    /// - Parameters: as the properties.
    package init(
      shape: LinearMapShape, inputBytes: Double, gradientBytes: Double, product: Double
    ) {
      self.shape = shape
      self.inputBytes = inputBytes
      self.gradientBytes = gradientBytes
      self.product = product
    }
  }

  /// The seconds from the beginning of the passes to the end of the products.
  package private(set) var end: Double
  /// The seconds of passes, factors and products, one after the other.
  package private(set) var sum: Double

  /// - Parameters:
  ///   - maps: in the order of the forward pass.
  ///   - passes: the seconds of both passes without products.
  ///   - message: what each factor takes beside its bytes.
  ///   - bandwidth: bytes a second.
  package init(_ maps: [Map], passes: Double, message: Double, bandwidth: Double) {
    let forward = maps.reduce(0) { $0 + $1.weights }
    let total = forward + maps.filter { !$0.shape.isFirst }.reduce(0) { $0 + $1.weights }
    var link = 0.0
    var sending = 0.0
    func arrival(_ bytes: Double, readyAfter weights: Double) -> Double {
      guard bytes > 0 else { return 0 }
      let time = message + bytes / bandwidth
      link = max(link, passes * weights / total) + time
      sending += time
      return link
    }
    var place = 0.0
    var arrivals: [Double] = []
    for map in maps {
      arrivals.append(arrival(map.inputBytes, readyAfter: place))
      place += map.weights
    }
    end = passes
    sum = passes
    var gradients: [Double] = []
    for map in maps.reversed() {
      gradients.append(arrival(map.gradientBytes, readyAfter: place))
      if !map.shape.isFirst { place += map.weights }
    }
    for (index, map) in maps.indices.reversed().enumerated() {
      end = max(end, arrivals[map], gradients[index]) + maps[map].product
      sum += maps[map].product
    }
    sum += sending
  }
}

extension FactorTimeline.Map {
  /// The number of weights, which the passes' work follows.
  fileprivate var weights: Double { Double(shape.outputs * shape.inputs) }
}
