import LockstepEngine

/// Eigenvalues and eigenvectors of symmetric matrices, in Double, the largest first.
///
/// Householder's reflections make a matrix tridiagonal, implicit QL steps diagonal. Operations are + − × ÷ √ in a
/// fixed order, so that the bits are the same on every processor and for any number of threads, which a
/// library's are not. About 9n³ operations. (Golub & Van Loan 2013, 8.3; EISPACK's `tred2` and `tql2`.)
package final class SymmetricEigen {
  /// The eigenvalues. Not a number where the matrix was not finite.
  package private(set) var values = Arena<Double>(count: 0)
  /// The eigenvectors, one a row, in the order of the values.
  package private(set) var vectors = Arena<Float>(count: 0)
  /// The matrix, then the reflections, one a row; the eigenvectors, one a row.
  private var (matrix, rows) = (Arena<Double>(count: 0), Arena<Double>(count: 0))
  /// The diagonal, what lies beside it, and a vector at work.
  private var (diagonal, beside, work) = (
    Arena<Double>(count: 0), Arena<Double>(count: 0), Arena<Double>(count: 0)
  )
  private var order: [Int] = []

  /// One without room.
  package init() {}

  /// The floating-point operations that a matrix takes.
  static func operations(_ n: Int) -> Double { 9 * Double(n) * Double(n) * Double(n) }

  /// Decomposes a matrix of n rows, of which the lower triangle is read.
  package func decompose(_ values: UnsafePointer<Float>, _ n: Int) {
    Arena.grow(&matrix, to: n * n)
    Arena.grow(&rows, to: n * n)
    Arena.grow(&vectors, to: n * n)
    Arena.grow(&self.values, to: n)
    Arena.grow(&diagonal, to: n)
    Arena.grow(&beside, to: n)
    Arena.grow(&work, to: n)
    var largest: Float = 0
    for index in 0..<n * n where !(values[index].magnitude <= largest) {
      largest = values[index].magnitude
    }
    rows.base.update(repeating: 0, count: n * n)
    for row in 0..<n { rows.base[row * (n + 1)] = 1 }
    let isFinite = largest.isFinite
    // Divided by a power of two, no square overflows.
    let scale = isFinite && largest > 0 ? Double(largest.binade) : 1
    for index in 0..<n * n { matrix.base[index] = isFinite ? Double(values[index]) / scale : 0 }
    tridiagonalize(n)
    accumulate(n)
    diagonalize(n)
    if order.count != n { order = Array(0..<n) }
    for index in 0..<n { order[index] = index }
    let diagonal = diagonal.base
    order.sort { diagonal[$0] != diagonal[$1] ? diagonal[$0] > diagonal[$1] : $0 < $1 }
    for (place, row) in order.enumerated() {
      self.values.base[place] = isFinite ? diagonal[row] * scale : .nan
      for column in 0..<n {
        vectors.base[place * n + column] = Float(rows.base[row * n + column])
      }
    }
  }

  /// A ← H A H with H = I − v vᵀ / h, from the last row to the second; v stays in the row, h in `work`.
  private func tridiagonalize(_ n: Int) {
    let (a, d, e, h) = (matrix.base, diagonal.base, beside.base, work.base)
    for i in stride(from: n - 1, to: 0, by: -1) {
      let v = a + i * n
      d[i] = v[i]
      let last = v[i - 1]
      let rest = dot(v, v, i - 1)
      guard rest > 0 else {
        (e[i], h[i]) = (last, 0)
        continue
      }
      let length = (rest + last * last).squareRoot()
      e[i] = last < 0 ? length : -length
      v[i - 1] = last - e[i]
      h[i] = rest + v[i - 1] * v[i - 1]
      h[i] /= 2
      // p = A v / h in the place of later eigenvectors, q = p − (vᵀp / 2h) v, A ← A − v qᵀ − q vᵀ.
      let q = values.base
      for j in 0..<i {
        let row = a + j * n
        q[j] = dot(row, v, j) + row[j] * v[j]
        let factor = v[j]
        for k in 0..<j { q[k] += factor * row[k] }
      }
      for j in 0..<i { q[j] /= h[i] }
      let half = dot(v, q, i) / (2 * h[i])
      for j in 0..<i { q[j] -= half * v[j] }
      for j in 0..<i {
        let row = a + j * n
        let (first, second) = (v[j], q[j])
        for k in 0...j { row[k] -= first * q[k] + second * v[k] }
      }
    }
    if n > 0 { (d[0], e[0], h[0]) = (a[0], 0, 0) }
  }

  /// The rows of H₁ H₂ …: what takes the matrix to its tridiagonal form.
  private func accumulate(_ n: Int) {
    let (a, h) = (matrix.base, work.base)
    for i in stride(from: 1, to: n, by: 1) where h[i] > 0 {
      let v = a + i * n
      for row in 0..<i {
        let target = rows.base + row * n
        let factor = dot(target, v, i) / h[i]
        for k in 0..<i { target[k] -= factor * v[k] }
      }
    }
  }

  /// QL steps with implicit shifts, one eigenvalue after the other; rotations act on pairs of rows.
  private func diagonalize(_ n: Int) {
    let (d, e) = (diagonal.base, beside.base)
    for i in stride(from: 1, to: n, by: 1) { e[i - 1] = e[i] }
    if n > 0 { e[n - 1] = 0 }
    var (shift, largest) = (0.0, 0.0)
    for l in 0..<n {
      largest = max(largest, d[l].magnitude + e[l].magnitude)
      let least = 0x1p-52 * largest
      var m = l
      while m < n - 1, e[m].magnitude > least { m += 1 }
      var steps = 0
      while m > l, e[l].magnitude > least, steps < 100 {
        steps += 1
        shift += step(l, m, n)
      }
      d[l] += shift
      e[l] = 0
    }
  }

  /// One step on rows l...m; returns what the diagonal was shifted by.
  private func step(_ l: Int, _ m: Int, _ n: Int) -> Double {
    let (d, e) = (diagonal.base, beside.base)
    let g = d[l]
    let ratio = (d[l + 1] - g) / (2 * e[l])
    let root = (ratio * ratio + 1).squareRoot()
    let sum = ratio < 0 ? ratio - root : ratio + root
    d[l] = e[l] / sum
    d[l + 1] = e[l] * sum
    let (next, shift, second) = (d[l + 1], g - d[l], e[l + 1])
    for i in stride(from: l + 2, to: n, by: 1) { d[i] -= shift }
    var (p, c, c2, c3, s, s2) = (d[m], 1.0, 1.0, 1.0, 0.0, 0.0)
    for i in stride(from: m - 1, through: l, by: -1) {
      (c3, c2, s2) = (c2, c, s)
      let (g, h) = (c * e[i], c * p)
      let r = (p * p + e[i] * e[i]).squareRoot()
      e[i + 1] = s * r
      (s, c) = r > 0 ? (e[i] / r, p / r) : (0, 1)
      p = c * d[i] - s * g
      d[i + 1] = h + s * (c * g + s * d[i])
      rotate(rows.base + i * n, rows.base + (i + 1) * n, c, s, n)
    }
    p = -s * s2 * c3 * second * e[l] / next
    e[l] = s * p
    d[l] = c * p
    return shift
  }
}

/// Turns a pair of rows.
private func rotate(
  _ first: UnsafeMutablePointer<Double>, _ second: UnsafeMutablePointer<Double>, _ c: Double,
  _ s: Double, _ count: Int
) {
  for k in 0..<count {
    let (low, high) = (first[k], second[k])
    second[k] = s * low + c * high
    first[k] = c * low - s * high
  }
}

/// A sum of products over four lanes.
func dot(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int) -> Double {
  var lanes = SIMD4<Double>.zero
  var index = 0
  while index + 4 <= count {
    let left = SIMD4(a[index], a[index + 1], a[index + 2], a[index + 3])
    let right = SIMD4(b[index], b[index + 1], b[index + 2], b[index + 3])
    lanes += left * right
    index += 4
  }
  var sum = (lanes[0] + lanes[2]) + (lanes[1] + lanes[3])
  while index < count {
    sum += a[index] * b[index]
    index += 1
  }
  return sum
}
