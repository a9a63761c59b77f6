import LockstepCatalog
public import LockstepEngine

/// A weight whose units, as rows of a matrix [shape[0], rest], are orthogonal vectors of length
/// `gain`; where there are more units than values a unit, the columns are.
package struct OrthogonalInitializer: Initializer, Equatable {
  /// The length of each vector; finite.
  package let gain: Float
  /// Makes an initialiser with a gain, as PyTorch's `orthogonal_` and Keras's `Orthogonal` have it.
  package init(gain: Float = 1) { self.gain = gain }

  package var problem: String? {
    gain.isFinite ? nil : "orthogonal with a gain of \(gain): it must be finite"
  }

  package func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) {
    guard !values.isEmpty else { return }
    let rows = shape.first ?? 1
    let columns = values.count / rows
    let (count, length) = (min(rows, columns), max(rows, columns))
    var vectors = Array(repeating: 0.0, count: count * length)
    vectors.withUnsafeMutableBufferPointer { vectors in
      for index in 0..<count {
        let vector = UnsafeMutableBufferPointer(
          rebasing: vectors[index * length..<(index + 1) * length])
        var norm = 0.0
        // A vector that depends on its predecessors, which almost never happens, is drawn again.
        while norm < 1e-6 * Double(length).squareRoot() {
          for element in vector.indices { vector[element] = random.drawNormal() }
          for _ in 0..<2 {
            for earlier in 0..<index {
              let other = UnsafeBufferPointer(
                rebasing: vectors[earlier * length..<(earlier + 1) * length])
              var product = 0.0
              for element in 0..<length { product += vector[element] * other[element] }
              for element in 0..<length { vector[element] -= product * other[element] }
            }
          }
          norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
        for element in vector.indices { vector[element] /= norm }
      }
    }
    for row in 0..<rows {
      for column in 0..<columns {
        let place = rows <= columns ? row * length + column : column * length + row
        values[row * columns + column] = Float(Double(gain) * vectors[place])
      }
    }
  }
}

extension OrthogonalInitializer {
  package static let entry = Entry<any Initializer>(
    "orthogonal", "orthogonal units", [.with("gain", .anyNumber, 1, "the units' length")]
  ) { values in OrthogonalInitializer(gain: values["gain"]) }
}

extension Initializer where Self == Provided {
  /// A weight whose units, as rows of a matrix [shape[0], rest], are orthogonal vectors of length
  /// `gain`; where there are more units than values a unit, the columns are.
  ///
  /// The vectors of a normal random matrix are orthogonalised by Gram–Schmidt, twice, in Double: a
  /// uniformly distributed orthogonal matrix.
  ///
  /// Source: A. Saxe, J. McClelland, S. Ganguli, "Exact solutions to the nonlinear dynamics of learning
  /// in deep linear neural networks", ICLR 2014; PyTorch's `orthogonal_`.
  ///
  /// - Parameter gain: a factor of all elements.
  public static func orthogonal(gain: Float = 1) -> some Initializer {
    OrthogonalInitializer(gain: gain)
  }
}
