import LockstepEngine

/// Makes rows orthonormal one after the other, as the QR decomposition of their transpose does, in Double.
///
/// Each row loses what lies along those before it, twice where little is left (Kahan and Parlett's rule). A row
/// that the ones before it span is replaced: so bases of factors without full rank stay whole. About 2n³
/// operations, in a fixed order.
package final class OrthonormalRows {
  private var rows = Arena<Double>(count: 0)

  /// One without room.
  package init() {}

  /// The floating-point operations that n rows take.
  static func operations(_ n: Int) -> Double { 2 * Double(n) * Double(n) * Double(n) }

  /// Writes n orthonormal rows.
  ///
  /// - Parameters:
  ///   - row: the values of a row.
  ///   - spare: what takes the place of a row that those before it span; any rows of full rank.
  package func make(
    _ result: UnsafeMutablePointer<Float>, _ n: Int,
    row: (_ row: Int) -> UnsafePointer<Float>, spare: (_ row: Int) -> UnsafePointer<Float>
  ) {
    Arena.grow(&rows, to: n * n)
    for index in 0..<n {
      let target = rows.base + index * n
      func load(_ values: UnsafePointer<Float>) { for k in 0..<n { target[k] = Double(values[k]) } }
      load(row(index))
      var isDone = normalize(index, n, atLeast: 0x1p-40)
      if !isDone {
        load(spare(index))
        isDone = normalize(index, n, atLeast: 0x1p-20)
      }
      // Of the unit vectors some one has at least 1/√n left.
      var unit = 0
      while !isDone, unit < n {
        target.update(repeating: 0, count: n)
        target[unit] = 1
        isDone = normalize(index, n, atLeast: 0.5 / Double(n).squareRoot())
        unit += 1
      }
    }
    for index in 0..<n * n { result[index] = Float(rows.base[index]) }
  }

  /// Takes the rows before from a row and gives it the norm 1; false where less than a part of it is left.
  private func normalize(_ index: Int, _ n: Int, atLeast part: Double) -> Bool {
    let target = rows.base + index * n
    let whole = dot(target, target, n)
    guard whole > 0 else { return whole.isNaN }
    var (before, left) = (whole, whole)
    for _ in 0..<3 {
      for earlier in 0..<index {
        let other = rows.base + earlier * n
        let factor = dot(other, target, n)
        for k in 0..<n { target[k] -= factor * other[k] }
      }
      left = dot(target, target, n)
      if left < part * part * whole { return false }
      if left > 0.5 * before { break }
      before = left
    }
    let scale = 1 / left.squareRoot()
    for k in 0..<n { target[k] *= scale }
    return true
  }
}
