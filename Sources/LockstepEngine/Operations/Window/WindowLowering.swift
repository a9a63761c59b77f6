internal import COneDNN

extension Window {
  /// The same in the form that primitives take.
  var primitive: lockstep_window {
    func pair(_ list: [Int]) -> (Int64, Int64) { (Int64(list[0]), Int64(list[1])) }
    return lockstep_window(
      strides: pair(strides), dilations: pair(dilations), padding_low: pair(paddingLow),
      padding_high: pair(paddingHigh), kernel: pair(kernel))
  }
}
