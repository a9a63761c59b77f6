import LockstepPlatform

/// The values of each index of the leading axis.
func rows(of x: HostTensor) -> [[Double]] {
  let size = x.shape.dropFirst().reduce(1, *)
  return (0..<x.shape[0]).map { row in
    Array(x.values[row * size..<(row + 1) * size])
  }
}

/// x − log Σ eˣ, without overflow.
func logSoftmax(_ row: [Double]) -> [Double] {
  let top = row.max() ?? 0
  let logSum = log(row.reduce(0) { $0 + exp($1 - top) })
  return row.map { $0 - top - logSum }
}
