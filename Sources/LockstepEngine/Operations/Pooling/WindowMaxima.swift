extension Window {
  /// The maxima of x [N, C, H, W] in the windows, and the flat index of each in its plane; of equal values the
  /// first one wins, and a NaN wins over any number.
  func maxima(of x: HostTensor) -> (values: HostTensor, places: HostTensor) {
    let (height, width) = (x.shape[2], x.shape[3])
    let shape = Array(x.shape[..<2]) + size(for: x.shape)
    let (inputPlane, outputPlane) = (height * width, shape[2] * shape[3])
    var values = HostTensor(shape, repeating: -.infinity)
    var places = HostTensor(shape, repeating: -1)
    for plane in 0..<x.shape[0] * x.shape[1] {
      forEachTap(height, width) { position, _, place in
        let value = x.values[plane * inputPlane + position]
        let place = plane * outputPlane + place
        if places.values[place] < 0 || value > values.values[place] || value.isNaN {
          values.values[place] = value
          places.values[place] = Double(position)
        }
      }
    }
    return (values, places)
  }
}
