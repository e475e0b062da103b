package measure

import "sort"

// heights are the upper bounds of the classes of DimensionHeight, in lines of the picture.
var heights = []int64{240, 360, 480, 540, 720, 1080, 1440, 2160}

// UnknownHeight is the class of what no player names the height of.
const UnknownHeight = "(unknown)"

// HeightClasses are the values of DimensionHeight, by the index that HeightClass returns. The last is of reports that do not say.
var HeightClasses = [...]string{"240p", "360p", "480p", "540p", "720p", "1080p", "1440p", "2160p", "above 2160p", UnknownHeight}

// HeightClass returns the index of the class of a picture with so many lines, of those that do not know if it has none.
func HeightClass(lines int64) int {
	if lines <= 0 {
		return len(HeightClasses) - 1
	}
	return sort.Search(len(heights), func(i int) bool { return lines <= heights[i] })
}
